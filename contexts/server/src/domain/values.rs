//! The values a server is made of.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use servertree_kernel::domain::Invalid;
use servertree_kernel::fields::FieldErrors;
use servertree_kernel::{id, number, text};
use utoipa::ToSchema;

id!(
    /// Identifies a server.
    ServerId
);

text! {
    /// The name of a server: a host name of RFC 1123. Its case is kept, and does not count when names are compared.
    pub struct ServerName {
        length: 1..=255,
        allows: is_host_name,
        rule: "a host name: letters, digits, '-' and '.', each part beginning and ending with a letter or digit",
        pattern: "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$",
        example: "web-1",
    }
}

number! {
    /// How many processor cores.
    pub struct CpuCores(u32) { range: 1..=65_536, example: 4 }
}

number! {
    /// How much memory, in MiB: up to 1 PiB.
    pub struct RamMib(u64) { range: 1..=1_073_741_824, example: 8192 }
}

number! {
    /// How much disk space, in MiB: up to 1 EiB; 0 for a server without disks of its own.
    pub struct HddMib(u64) { range: 0..=1_099_511_627_776, example: 102_400 }
}

text! {
    /// What a server is for: `production`, `staging`, … A lower-case slug.
    pub struct Environment {
        length: 1..=64,
        allows: is_slug,
        rule: "a lower-case slug: letters a to z, digits, and single '-' between them",
        pattern: "^[a-z0-9]+(-[a-z0-9]+)*$",
        example: "production",
    }
}

text! {
    /// A name, version or architecture of an operating system.
    pub struct OperatingSystemText {
        length: 1..=255,
        allows: is_readable,
        rule: "a text that is not blank and has no control characters",
        pattern: "^[^\\u0000-\\u001F\\u007F-\\u009F]*[^\\u0000-\\u001F\\u007F-\\u009F\\s][^\\u0000-\\u001F\\u007F-\\u009F]*$",
        example: "12",
    }
}

/// What runs a server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
#[schema(example = json!({"name": "Debian", "version": "12", "architecture": "x86_64"}))]
pub struct OperatingSystem {
    /// Its name.
    #[schema(example = "Debian")]
    pub name: OperatingSystemText,
    /// Its version.
    #[schema(example = "12")]
    pub version: OperatingSystemText,
    /// The processor architecture it is built for.
    #[schema(example = "x86_64")]
    pub architecture: OperatingSystemText,
}

/// What a server is made of and what it is for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Specification {
    /// What it is called.
    pub name: ServerName,
    /// How many processor cores.
    pub cpu_cores: CpuCores,
    /// How much memory, in MiB.
    pub ram_mib: RamMib,
    /// How much disk space, in MiB.
    pub hdd_mib: HddMib,
    /// What it is for.
    pub environment: Environment,
    /// What runs it.
    pub operating_system: OperatingSystem,
}

/// How a server is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = lowercase)]
#[serde(rename_all = "lowercase")]
#[schema(as = ServerStatus)]
pub enum Status {
    /// It runs.
    Running,
    /// It does not run: so is a new one.
    #[default]
    Stopped,
    /// It should run and does not.
    Error,
    /// Nobody knows.
    Unknown,
}

impl Status {
    /// The names of all of them.
    pub const NAMES: &'static [&'static str] = &["running", "stopped", "error", "unknown"];

    /// The status by its name.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        [Self::Running, Self::Stopped, Self::Error, Self::Unknown]
            .into_iter()
            .find(|status| status.as_str() == name)
            .ok_or_else(|| Invalid {
                code: "unknown_value",
                message: format!("must be one of {}, not '{name}'", Self::NAMES.join(", ")),
            })
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }
}

fn is_host_name(text: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label = |label: &str| {
        let label = label.as_bytes();
        label.iter().all(|byte| is_inside(*byte))
            && label.first().is_some_and(u8::is_ascii_alphanumeric)
            && label.last().is_some_and(u8::is_ascii_alphanumeric)
    };
    text.split('.').all(is_label)
}

pub(super) fn is_slug(text: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.split('-').all(|part| !part.is_empty() && part.bytes().all(is_inside))
}

pub(super) fn is_readable(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_host_names() {
        let longest = "a".repeat(255);
        for good in ["a", "web-1", "WEB-1.example.org", "1.2.3.4", "a--b", &longest] {
            assert!(ServerName::parse(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["-a", "a-", "a..b", ".a", "a.", "a_b", "a b", "ä", "a\0", "a\n"] {
            assert_eq!(ServerName::parse(bad.to_owned()).unwrap_err().code, "invalid_format", "{bad}");
        }
        assert_eq!(ServerName::parse(String::new()).unwrap_err().code, "too_short");
        assert_eq!(ServerName::parse("a".repeat(256)).unwrap_err().code, "too_long");
    }

    #[test]
    fn environments_are_slugs() {
        for good in ["production", "staging-2", "a"] {
            assert!(Environment::parse(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["Production", "a--b", "-a", "a-", "a_b", "a b"] {
            assert!(Environment::parse(bad.to_owned()).is_err(), "{bad}");
        }
        assert!(Environment::parse("a".repeat(65)).is_err());
    }

    #[test]
    fn operating_systems_are_readable() {
        assert!(OperatingSystemText::parse("Red Hat Enterprise Linux".to_owned()).is_ok());
        for bad in ["", " ", "\u{a0}", "a\0b", "a\tb"] {
            assert!(OperatingSystemText::parse(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        assert!(CpuCores::parse(1).is_ok() && CpuCores::parse(65_536).is_ok());
        assert!(CpuCores::parse(0).is_err() && CpuCores::parse(65_537).is_err());
        assert!(RamMib::parse(0).is_err() && HddMib::parse(0).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_as_it_is_or_refused(text in any::<String>()) {
            if let Ok(name) = ServerName::parse(text.clone()) {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert!(text.is_ascii());
            }
            if let Ok(value) = OperatingSystemText::parse(text.clone()) {
                prop_assert_eq!(value.as_str(), &text);
            }
        }
    }
}
