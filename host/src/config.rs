//! Configuration: built-in defaults, then a file, then the environment. Every value is checked, and whatever is wrong
//! is told with where it came from and what is allowed.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, TcpListener};
use std::path::Path;

use figment::error::Kind;
use figment::providers::{Env, Format, Toml};
use figment::value::{Dict, Value};
use figment::{Figment, Provider};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use servertree_kernel::event::RelaySettings;
use servertree_kernel::plugin::Context;
use servertree_kernel::secrets::Key;
use servertree_kernel::settings::{ReadSections, SectionType};
use servertree_kernel::{cache, database, remote};
use thiserror::Error;
use url::Url;

/// The defaults, with the meaning of each key: also what `config/default.toml` documents.
const DEFAULTS: &str = include_str!("../../config/default.toml");
const ENVIRONMENT_PREFIX: &str = "SERVERTREE_";

/// All settings.
#[derive(Clone, Serialize, Deserialize)]
pub struct Config {
    pub data: DataSettings,
    pub http: HttpSettings,
    pub database: database::Settings,
    pub cache: cache::Settings,
    pub events: RelaySettings,
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
const OWN_SECTIONS: [&str; 9] =
    ["data", "http", "database", "cache", "events", "secrets", "contexts", "authorization", "log"];

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    pub folder: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    pub address: IpAddr,
    pub port: u16,
    pub body_timeout: u64,
    pub public_url: String,
    pub trusted_proxies: Vec<Network>,
}

/// A network of addresses, or a single one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(pub IpNet);

impl TryFrom<String> for Network {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let single = || text.parse().map(|address: IpAddr| IpNet::from(address));
        text.parse().or_else(|_| single()).map(Self).map_err(|_| "a network, such as 10.0.0.0/8 or fd00::/8")
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.0.to_string()
    }
}

impl HttpSettings {
    /// Where browsers find the service: as it is set, else where it listens, by whichever name this machine has for itself.
    pub fn own_origins(&self, listener: &TcpListener) -> Vec<String> {
        if !self.public_url.is_empty() {
            return vec![self.public_url.clone()];
        }
        let Ok(address) = listener.local_addr() else { return Vec::new() };
        let names =
            if address.ip().is_loopback() { ["127.0.0.1", "[::1]", "localhost"].as_slice() } else { &[] };
        let port = address.port();
        let loopback = names.iter().map(|name| format!("http://{name}:{port}"));
        loopback.chain([format!("http://{address}")]).filter_map(|url| origin_of(&url)).collect()
    }
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

/// A setting is not valid.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("the setting {key} ({origin}) {fault}")]
pub struct ConfigError {
    /// Which.
    pub key: String,
    /// Where it came from.
    pub origin: String,
    /// What is wrong with it, and what is allowed.
    pub fault: String,
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
        let environment = Env::prefixed(ENVIRONMENT_PREFIX);
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
        if !(10..=60_000).contains(&self.events.poll_interval) {
            return fault("events.poll_interval", "must be 10 to 60000 milliseconds");
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
        if let Err((key, message)) = self.authorization.validate() {
            return fault(&format!("authorization.{key}"), message);
        }
        Ok(())
    }
}

/// An origin as browsers send it, or nothing.
fn is_origin(url: &str) -> bool {
    url.is_empty() || origin_of(url).is_some_and(|origin| origin == url)
}

/// The origin of a URL of ours, in the one form that browsers send: without a port that goes without saying.
fn origin_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(url.origin().ascii_serialization())
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

fn at_fault(key: String, fault: String, figment: &Figment) -> ConfigError {
    let origin = figment.find_metadata(&key).map_or_else(String::new, |metadata| origin(metadata, &key));
    ConfigError { key, origin, fault }
}

/// A variable that names a section, or nothing.
fn no_setting(variable: &str) -> ConfigError {
    let name = variable.to_uppercase();
    ConfigError {
        key: variable.to_lowercase(),
        origin: format!("from the environment, {ENVIRONMENT_PREFIX}{name}"),
        fault: format!(
            "is unknown; a setting has its section and its key in its name, such as {ENVIRONMENT_PREFIX}HTTP__PORT"
        ),
    }
}

/// The first thing that is wrong, in our words.
fn explain(error: &figment::Error, figment: &Figment) -> ConfigError {
    let mut path = error.path.clone();
    // What is set is the list, whichever place in it is at fault.
    let place = path.last().and_then(|last| last.parse::<usize>().ok());
    path.truncate(path.len() - usize::from(place.is_some()));
    let fault = match &error.kind {
        Kind::UnknownField(field, known) => {
            // From the environment the path has it already.
            if path.last() != Some(field) {
                path.push(field.clone());
            }
            format!("is unknown; known here are {}", known.join(", "))
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("must be {}, not {}", in_words(expected), found)
        }
        Kind::UnknownVariant(found, known) => format!("must be one of {}, not '{found}'", known.join(", ")),
        Kind::MissingField(field) => {
            path.push(field.to_string());
            "is missing".to_owned()
        }
        Kind::Message(message) if path.is_empty() => format!("is not valid TOML: {}", in_one_line(message)),
        Kind::Message(message) => {
            let value = figment.find_value(&path.join(".")).ok();
            let value = value.as_ref().and_then(|value| match (value, place) {
                (Value::Array(_, values), Some(place)) => values.get(place)?.as_str(),
                _ => value.as_str(),
            });
            format!("must be {}, not '{}'", in_words(message), value.unwrap_or_default())
        }
        other => in_one_line(&other.to_string()),
    };
    let key = path.join(".");
    let origin = error.metadata.as_ref().map_or_else(String::new, |metadata| origin(metadata, &key));
    ConfigError { key: if key.is_empty() { "file".to_owned() } else { key }, origin, fault }
}

/// What serde expects, for people.
fn in_words(expected: &str) -> &str {
    match expected {
        "u16" => "a number from 0 to 65535",
        "u32" | "u64" => "a whole number",
        "a sequence" => r#"a list, such as ["server"]"#,
        "a string" => "a text (in double quotes, if it looks like something else)",
        "invalid IP address syntax" => "an IP address, such as 127.0.0.1 or ::1",
        other if other.starts_with("struct ") => "a section with keys",
        other => other,
    }
}

/// The place and the reason of a message of several lines.
fn in_one_line(message: &str) -> String {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    lines.next_back().map_or_else(|| first.to_owned(), |last| format!("{first}: {last}"))
}

fn origin(metadata: &figment::Metadata, key: &str) -> String {
    match &metadata.source {
        Some(figment::Source::File(file)) => format!("from the file {}", file.display()),
        _ if metadata.name.contains("environment") => {
            let variable = key.to_uppercase().replace('.', "__");
            format!("from the environment, {ENVIRONMENT_PREFIX}{variable}")
        }
        _ => "built in".to_owned(),
    }
}

/// `scheme://user:***@host`: what comes before the password, and after it.
fn without_password(url: &str) -> String {
    let hidden = || {
        let (scheme, rest) = url.split_once("://")?;
        let (credentials, place) = rest.rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{place}"))
    };
    hidden().unwrap_or_else(|| url.to_owned())
}

/// Paths as they are, of keys all but their bytes.
fn without_keys(keys: &str) -> String {
    let shown = |entry: &str| match entry.trim().rsplit_once('.') {
        Some((name, _)) if Key::is_meant(name) => format!("{name}.***"),
        _ if Key::is_meant(entry.trim()) => "***".to_owned(),
        _ => entry.trim().to_owned(),
    };
    keys.split(',').map(shown).collect::<Vec<_>>().join(",")
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
        assert_eq!(config.authorization, remote::Settings::default());
        assert_eq!(config.validate(), Ok(()));
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

    #[test]
    fn passwords_in_urls_are_hidden() {
        assert_eq!(without_password("mysql://st:p@ss:w@db:3306/st"), "mysql://st:***@db:3306/st");
        assert_eq!(without_password("sqlite://data/servertree.db"), "sqlite://data/servertree.db");
    }
}
