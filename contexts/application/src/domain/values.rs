//! The values an application is made of.

use deserr::Deserr;
use serde::Serialize;
use servertree_kernel::fields::{FieldErrors, Replaceable};
use servertree_kernel::{id, text};
use utoipa::ToSchema;

id!(
    /// Identifies an application.
    ApplicationId
);

text! {
    /// What an application is called. Its case is kept, and does not count when names are compared.
    pub struct ApplicationName {
        length: 1..=255,
        allows: is_label,
        rule: "a text without control characters, that neither begins nor ends with a blank",
        pattern: "^[^\\u0000-\\u001F\\u007F-\\u009F\\s]([^\\u0000-\\u001F\\u007F-\\u009F]*[^\\u0000-\\u001F\\u007F-\\u009F\\s])?$",
        example: "nginx",
    }
}

text! {
    /// Which version of it, as those who make it say: nothing is read into it.
    pub struct ApplicationVersion {
        length: 1..=64,
        allows: is_label,
        rule: "a text without control characters, that neither begins nor ends with a blank",
        pattern: "^[^\\u0000-\\u001F\\u007F-\\u009F\\s]([^\\u0000-\\u001F\\u007F-\\u009F]*[^\\u0000-\\u001F\\u007F-\\u009F\\s])?$",
        example: "1.27",
    }
}

text! {
    /// Who answers for it: somebody, or a team.
    pub struct Architect {
        length: 1..=255,
        allows: is_label,
        rule: "a text without control characters, that neither begins nor ends with a blank",
        pattern: "^[^\\u0000-\\u001F\\u007F-\\u009F\\s]([^\\u0000-\\u001F\\u007F-\\u009F]*[^\\u0000-\\u001F\\u007F-\\u009F\\s])?$",
        example: "web team",
    }
}

/// All that people say about an application.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
#[schema(as = ApplicationDraft)]
pub struct Specification {
    /// Unique, with the version, among the applications that are not discarded, without regard to case.
    pub name: ApplicationName,
    /// Which version of it.
    pub version: ApplicationVersion,
    /// Who answers for it.
    pub architect: Architect,
}

impl Replaceable for Specification {
    const FILLED_IN: &'static [&'static str] = &["id", "discarded", "revision", "created_at", "modified_at"];
}

/// Two that look the same are the same: blanks at the ends are not seen.
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_readable_from_end_to_end() {
        let longest = "ß".repeat(255);
        for good in ["nginx", "Red Hat Satellite", "C++", "a", "größe 😀", &longest] {
            assert!(ApplicationName::parse(good.to_owned()).is_ok(), "{good}");
        }
        for bad in [" ", " nginx", "nginx ", "nginx\u{a0}", "a\0", "a\nb", "a\tb", "\u{85}a"] {
            assert_eq!(ApplicationName::parse(bad.to_owned()).unwrap_err().code, "invalid_format", "{bad:?}");
        }
        assert_eq!(ApplicationName::parse(String::new()).unwrap_err().code, "too_short");
        assert_eq!(ApplicationName::parse("ß".repeat(256)).unwrap_err().code, "too_long");
    }

    #[test]
    fn versions_are_texts() {
        for good in ["1.27", "2019.12", "7", "1.0.0-rc.1+build 5", "jammy"] {
            assert!(ApplicationVersion::parse(good.to_owned()).is_ok(), "{good}");
        }
        assert!(ApplicationVersion::parse("1".repeat(64)).is_ok());
        for bad in ["", "1.27 ", &"1".repeat(65)] {
            assert!(ApplicationVersion::parse(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_as_it_is_or_refused(text in any::<String>()) {
            if let Ok(name) = ApplicationName::parse(text.clone()) {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert!((1..=255).contains(&text.chars().count()));
            }
            if let Ok(version) = ApplicationVersion::parse(text.clone()) {
                prop_assert_eq!(version.as_str(), &text);
                prop_assert!(Architect::parse(text).is_ok(), "whatever is a version is also the name of somebody");
            }
        }
    }
}
