//! Configuration: built-in defaults, then a file, then the environment. Every value is checked, and whatever is wrong
//! is told with where it came from and what is allowed.

mod fault;
mod hidden;
mod http;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use figment::providers::{Env, Format, Toml};
use figment::value::{Dict, Value};
use figment::{Figment, Provider};
use serde::{Deserialize, Serialize};
use servertree_kernel::event::RelaySettings;
use servertree_kernel::plugin::Context;
use servertree_kernel::settings::{ReadSections, SectionType};
use servertree_kernel::{cache, database, remote};

use crate::bus;

pub use fault::ConfigError;
use fault::{at_fault, explain, no_setting};
use hidden::{without_keys, without_password};
use http::is_origin;
pub use http::{HttpSettings, Network};

/// The defaults, with the meaning of each key: also what `config/default.toml` documents.
const DEFAULTS: &str = include_str!("../../config/default.toml");
const ENVIRONMENT_PREFIX: &str = "SERVERTREE_";
/// Variables of ours that are no settings: arguments of commands that had better not be on a command line.
const ARGUMENTS: [&str; 1] = ["copy_to"];

/// All settings.
#[derive(Clone, Serialize, Deserialize)]
pub struct Config {
    pub data: DataSettings,
    pub http: HttpSettings,
    pub database: database::Settings,
    pub cache: cache::Settings,
    pub events: RelaySettings,
    pub bus: bus::Settings,
    pub secrets: SecretSettings,
    pub contexts: ContextSettings,
    pub authorization: remote::Settings,
    pub log: LogSettings,
    /// The sections of the contexts.
    #[serde(skip)]
    pub sections: ReadSections,
    /// The same, as they are shown.
    #[serde(skip_deserializing, flatten)]
    shown_sections: BTreeMap<&'static str, Value>,
}

/// The sections of the host itself.
const OWN_SECTIONS: [&str; 10] =
    ["data", "http", "database", "cache", "events", "bus", "secrets", "contexts", "authorization", "log"];

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    pub folder: String,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSettings {
    pub keys: String,
}

/// It may hold keys.
impl fmt::Debug for SecretSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretSettings").field("keys", &without_keys(&self.keys)).finish()
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextSettings {
    pub enabled: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    pub format: LogFormat,
    pub level: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Auto,
    Text,
    Json,
}

impl Config {
    /// Reads the settings: from the defaults, from `file`, from the environment, the later over the earlier.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            if !file.is_file() {
                let fault = "is not a file that can be read".to_owned();
                let origin = file.display().to_string();
                return Err(ConfigError { key: "--config".to_owned(), origin, fault });
            }
            // Checked by itself first: what is wrong in it must not be hidden by the environment.
            figment = figment.merge(Toml::file_exact(file));
            extract(&figment)?;
        }
        let environment = Env::prefixed(ENVIRONMENT_PREFIX).ignore(&ARGUMENTS);
        if let Some((variable, _)) =
            environment.iter().find(|(variable, _)| !variable.as_str().contains("__"))
        {
            return Err(no_setting(variable.as_str()));
        }
        extract(&figment.merge(environment.split("__")))
    }

    /// As TOML, with passwords hidden.
    pub fn shown(&self) -> Result<String, ConfigError> {
        let mut shown = self.clone();
        shown.database.url = without_password(&self.database.url);
        shown.database.read_url = without_password(&self.database.read_url);
        shown.cache.url = without_password(&self.cache.url);
        shown.bus.url = without_password(&self.bus.url);
        shown.secrets.keys = without_keys(&self.secrets.keys);
        shown.authorization = self.authorization.shown();
        toml::to_string(&shown).map(|text| text.trim_end().to_owned()).map_err(|error| ConfigError {
            key: "all".to_owned(),
            origin: "in effect".to_owned(),
            fault: error.to_string(),
        })
    }

    fn validate(&self) -> Result<(), (String, String)> {
        let fault = |key: &str, fault: &str| Err((key.to_owned(), fault.to_owned()));
        if self.data.folder.is_empty() {
            return fault("data.folder", "must name a folder");
        }
        if !(1..=600).contains(&self.http.body_timeout) {
            return fault("http.body_timeout", "must be 1 to 600 seconds");
        }
        if !is_origin(&self.http.public_url) {
            let example = "https://inventory.example.org";
            return fault(
                "http.public_url",
                &format!("must be scheme and host (and port) alone, such as {example}"),
            );
        }
        if let Err((key, message)) = self.events.validate() {
            return fault(&format!("events.{key}"), message);
        }
        if let Some(part) = self.log.level.split(',').find(|part| !is_level(part)) {
            let levels = "off, error, warn, info, debug or trace";
            let message =
                format!("has '{part}'; it must be {levels}, or such by module: info,servertree_kernel=debug");
            return fault("log.level", &message);
        }
        if let Err((key, message)) = self.database.validate() {
            return fault(&format!("database.{key}"), message);
        }
        if let Err((key, message)) = self.cache.validate() {
            return fault(&format!("cache.{key}"), message);
        }
        if let Err((key, message)) = self.bus.validate() {
            return fault(&format!("bus.{key}"), &message);
        }
        if let Err((key, message)) = self.authorization.validate() {
            return fault(&format!("authorization.{key}"), message);
        }
        Ok(())
    }
}

/// `info`, or `module=info`.
fn is_level(part: &str) -> bool {
    let level = part.split_once('=').map_or(part, |(_, level)| level);
    ["off", "error", "warn", "info", "debug", "trace"].contains(&level)
}

/// The settings that these sources give together, if they are valid.
fn extract(figment: &Figment) -> Result<Config, ConfigError> {
    require_known_sections(figment)?;
    let mut config: Config = figment.extract().map_err(|error| explain(&error, figment))?;
    config.validate().map_err(|(key, fault)| at_fault(key, fault, figment))?;
    for section in sections() {
        let read = (section.read)(figment).map_err(|mut error| {
            // Figment says the name of the section last.
            error.path.rotate_right(1);
            explain(&error, figment)
        })?;
        if let Some((key, fault)) = read.fault {
            return Err(at_fault(format!("{}.{key}", section.name), fault, figment));
        }
        config.sections.by_name.insert(section.name, read.value);
        config.shown_sections.insert(section.name, read.shown);
    }
    Ok(config)
}

/// Those of all contexts in this program, enabled or not: a setting is no less right because it is not needed.
fn sections() -> impl Iterator<Item = &'static SectionType> {
    Context::all().unwrap_or_default().into_iter().flat_map(|context| context.sections)
}

fn require_known_sections(figment: &Figment) -> Result<(), ConfigError> {
    let known: Vec<&str> = OWN_SECTIONS.into_iter().chain(sections().map(|section| section.name)).collect();
    // What cannot be read at all is told when it is extracted, together with where it came from.
    let Ok(given) = figment.data() else { return Ok(()) };
    let Some(unknown) =
        given.into_values().flat_map(Dict::into_keys).find(|key| !known.contains(&key.as_str()))
    else {
        return Ok(());
    };
    let fault = format!("is unknown; known here are {}", known.join(", "));
    Err(at_fault(unknown, fault, figment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_types() {
        let config: Config = Figment::from(Toml::string(DEFAULTS)).extract().unwrap();
        assert_eq!(config.database, database::Settings::default());
        assert_eq!(config.cache, cache::Settings::default());
        assert_eq!(config.events, RelaySettings::default());
        assert_eq!(config.bus, bus::Settings::default());
        assert_eq!(config.authorization, remote::Settings::default());
        assert_eq!(config.validate(), Ok(()));
    }

    /// What contexts own is documented in the same file.
    #[test]
    fn the_defaults_are_those_of_the_types_of_contexts() {
        let read = |section: &SectionType, figment: &Figment| {
            let read = (section.read)(figment).unwrap_or_else(|fault| panic!("{}: {fault}", section.name));
            assert_eq!(read.fault, None, "{}", section.name);
            serde_json::to_value(read.shown).unwrap()
        };
        let documented = Figment::from(Toml::string(DEFAULTS));
        for section in sections() {
            let (name, of_type) = (section.name, read(section, &Figment::new()));
            assert_eq!(
                read(section, &documented),
                of_type,
                "config/default.toml has other defaults for [{name}]"
            );
            let keys = documented.extract_inner::<Dict>(name).unwrap_or_default().len();
            let all = of_type.as_object().map_or(0, serde_json::Map::len);
            assert_eq!(keys, all, "config/default.toml has not each key of [{name}]");
        }
    }

    #[test]
    fn of_keys_the_names_are_shown() {
        let keys = "stkey1.master.a.AAAA, /run/keys/b.key,stkey1AAAA";
        assert_eq!(without_keys(keys), "stkey1.master.a.***,/run/keys/b.key,***");
        assert_eq!(without_keys(""), "");
        let settings = SecretSettings { keys: keys.to_owned() };
        assert!(!format!("{settings:?}").contains("AAAA"));
    }

    #[test]
    fn the_secret_of_peers_is_not_shown() {
        let mut config: Config = Figment::from(Toml::string(DEFAULTS)).extract().unwrap();
        config.authorization.peer_secret = "0123456789abcdef".to_owned();
        let shown = config.shown().unwrap();
        assert!(shown.contains("peer_secret = \"***\"") && !shown.contains("0123456789abcdef"), "{shown}");
    }
}
