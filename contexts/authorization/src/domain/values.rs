//! The values that users, roles, sessions and tokens are made of.

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use servertree_kernel::domain::Invalid;
use servertree_kernel::fields::FieldErrors;
use servertree_kernel::{id, text};

id!(
    /// Identifies a user.
    UserId
);

id!(
    /// Identifies a role.
    RoleId
);

id!(
    /// Identifies a session.
    SessionId
);

id!(
    /// Identifies a token for programs.
    TokenId
);

text! {
    /// The name that a user logs in with. It is kept in lower case, and never changes.
    pub struct Username {
        normal: |text: String| text.to_ascii_lowercase(),
        length: 3..=64,
        allows: is_name,
        rule: "of letters a to z, digits, '.', '_' and '-'",
        pattern: "^[A-Za-z0-9._-]+$",
        example: "ada",
    }
}

text! {
    /// The name of a role.
    pub struct RoleName {
        length: 3..=64,
        allows: is_name,
        rule: "of letters a to z, digits, '.', '_' and '-'",
        pattern: "^[a-z0-9._-]+$",
        example: "staging-operator",
    }
}

text! {
    /// What a token is for.
    pub struct TokenName {
        length: 1..=64,
        allows: |text: &str| !text.trim().is_empty() && !text.chars().any(char::is_control),
        rule: "a text that is not blank and has no control characters",
        pattern: "^[^\\u0000-\\u001F\\u007F-\\u009F]*[^\\u0000-\\u001F\\u007F-\\u009F\\s][^\\u0000-\\u001F\\u007F-\\u009F]*$",
        example: "backup job",
    }
}

/// The names of the roles that a user is to have, each once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RoleNames(Vec<RoleName>);

impl RoleNames {
    /// The most roles that a user has: what they hold ends up in one statement.
    pub const MAX: usize = 16;

    /// These, if they are not too many.
    pub fn parse(mut names: Vec<RoleName>) -> Result<Self, Invalid> {
        names.sort_unstable();
        names.dedup();
        if names.len() > Self::MAX {
            let message = format!("must be {} at most, not {}", Self::MAX, names.len());
            return Err(Invalid { code: "too_many", message });
        }
        Ok(Self(names))
    }
}

impl From<RoleNames> for Vec<RoleName> {
    fn from(names: RoleNames) -> Self {
        names.0
    }
}

impl Deserr<FieldErrors> for RoleNames {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        let names = Vec::deserialize_from_value(value, location)?;
        Self::parse(names).map_err(|invalid| FieldErrors::at(location, invalid))
    }
}

/// What the pepper makes of a token: it tells whether a token is the one, and not which it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TokenHash(pub [u8; 32]);

/// Names that stand for somebody else wherever it is said who did something.
const RESERVED: [&str; 3] = ["anonymous", "local-operator", "servertree"];

impl Username {
    /// Goes on only if it may be given to somebody.
    pub fn require_free(&self) -> Result<(), Invalid> {
        if RESERVED.contains(&self.as_str()) {
            let message = format!("must not be one of {}", RESERVED.join(", "));
            return Err(Invalid { code: "reserved", message });
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_kept_in_lower_case() {
        assert_eq!(Username::parse("Ada.L".to_owned()).unwrap().as_str(), "ada.l");
        for bad in ["ab", "a b", "ädä", "a/b/c", &"a".repeat(65)] {
            assert!(Username::parse(bad.to_owned()).is_err(), "{bad}");
        }
        assert_eq!(
            Username::parse("Anonymous".to_owned()).unwrap().require_free().unwrap_err().code,
            "reserved"
        );
    }
}
