//! What is wrong with the settings: which, where it came from, and what is allowed.

use figment::Figment;
use figment::error::Kind;
use figment::value::Value;
use thiserror::Error;

use super::ENVIRONMENT_PREFIX;

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

/// What is wrong with a value that could be read.
pub fn at_fault(key: String, fault: String, figment: &Figment) -> ConfigError {
    let origin = figment.find_metadata(&key).map_or_else(String::new, |metadata| origin(metadata, &key));
    ConfigError { key, origin, fault }
}

/// A variable that names a section, or nothing.
pub fn no_setting(variable: &str) -> ConfigError {
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
pub fn explain(error: &figment::Error, figment: &Figment) -> ConfigError {
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
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) if is_secret(&path) => {
            format!("must be {}", in_words(expected))
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

/// Whether the value is for nobody to see, be it right or wrong.
fn is_secret(path: &[String]) -> bool {
    path == ["secrets", "keys"] || path == ["authorization", "peer_secret"]
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
