//! An application that is installed on a server, and what can be said about where.

use deserr::Deserr;
use serde::Serialize;
use servertree_kernel::fields::{FieldErrors, Ignored, Replaceable};
use servertree_kernel::text;
use utoipa::ToSchema;

use super::application::{Application, ApplicationId};

text! {
    /// A directory on a server: an absolute path, as the system of the server writes it.
    pub struct Directory {
        length: 1..=4096,
        allows: is_absolute_path,
        rule: "an absolute path without control characters: it begins with '/', with a drive such as 'C:\\', or with '\\\\'",
        pattern: "^(/|[A-Za-z]:[/\\\\]|\\\\\\\\)[^\\u0000-\\u001F\\u007F-\\u009F]*$",
        example: "/opt/nginx",
    }
}

/// An application on a server.
#[derive(Clone, Debug)]
pub struct Installation {
    pub application: Application,
    pub directories: Directories,
}

/// Where an application is installed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
#[schema(as = InstallationDirectories, example = json!({"install_dir": "/opt/nginx", "log_dir": "/var/log/nginx"}))]
pub struct Directories {
    /// Where it is.
    pub install_dir: Directory,
    /// Where it writes its log.
    pub log_dir: Directory,
}

impl Replaceable for Directories {
    const FILLED_IN: &'static [&'static str] =
        &["application_id", "name", "version", "application_discarded"];
}

/// What people say about an installation.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
#[schema(as = InstallationDraft, example = json!({"application_id": "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11",
    "install_dir": "/opt/nginx", "log_dir": "/var/log/nginx"}))]
pub struct InstallationDraft {
    /// Which application.
    pub application_id: ApplicationId,
    /// Accepted and ignored, as GET shows it.
    #[deserr(default)]
    #[schema(value_type = Option<String>, read_only)]
    #[expect(dead_code, reason = "it is accepted and ignored")]
    name: Ignored,
    /// Likewise.
    #[deserr(default)]
    #[schema(value_type = Option<String>, read_only)]
    #[expect(dead_code, reason = "it is accepted and ignored")]
    version: Ignored,
    /// Likewise.
    #[deserr(default)]
    #[schema(value_type = Option<bool>, read_only)]
    #[expect(dead_code, reason = "it is accepted and ignored")]
    application_discarded: Ignored,
    /// Where it is.
    pub install_dir: Directory,
    /// Where it writes its log.
    pub log_dir: Directory,
}

impl InstallationDraft {
    /// Which application, and where.
    pub fn split(self) -> (ApplicationId, Directories) {
        (self.application_id, Directories { install_dir: self.install_dir, log_dir: self.log_dir })
    }
}

fn is_absolute_path(text: &str) -> bool {
    let begins_with_a_drive =
        matches!(text.as_bytes(), [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic());
    let is_absolute = text.starts_with('/') || text.starts_with("\\\\") || begins_with_a_drive;
    is_absolute && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_absolute() {
        let longest = format!("/{}", "ä".repeat(4095));
        for good in ["/", "/opt/nginx", "/srv/a b/ü", "C:\\nginx", "d:/logs", "\\\\files\\logs", &longest] {
            assert!(Directory::parse(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["opt", "./opt", " /opt", "~/logs", "C:", "C:logs", "1:\\logs", "\\logs", "/a\0", "/a\nb"]
        {
            assert_eq!(Directory::parse(bad.to_owned()).unwrap_err().code, "invalid_format", "{bad:?}");
        }
        assert_eq!(Directory::parse(String::new()).unwrap_err().code, "too_short");
        assert_eq!(Directory::parse(format!("{longest}a")).unwrap_err().code, "too_long");
    }
}
