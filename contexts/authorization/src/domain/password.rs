//! Passwords: the ones people choose, the ones they type, and what is kept of them.
//!
//! A new one must be long and not among the commonest; there are no rules about what it is composed of, and it is taken
//! exactly as it was given (as NIST SP 800-63B advises). The list is Django's; common-passwords.LICENSE says more.

use std::fmt;

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use servertree_kernel::domain::{Invalid, Secret};
use servertree_kernel::fields::{self, FieldErrors};
use utoipa::openapi;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};

/// The commonest passwords of at least 10 characters, in lower case, one a line.
const COMMON: &str = include_str!("common-passwords.txt");

/// A password that somebody chooses: 10 to 256 characters, and not easily guessed.
#[derive(Clone, Debug)]
pub struct Password(Secret);

impl Password {
    /// How short and how long it may be, in characters.
    const LENGTH: (usize, usize) = (10, 256);

    /// The text, exactly as it is, if it is a good password. The error does not show it.
    pub fn parse(text: String) -> Result<Self, Invalid> {
        let password = Self(secret(text, Self::LENGTH)?);
        if is_one_character(password.expose()) {
            return Err(too_common("is one character repeated; choose another"));
        }
        if is_common(password.expose()) {
            return Err(too_common("is among the commonest passwords; choose another"));
        }
        Ok(password)
    }

    /// Goes on only if it is not the username, in whatever case.
    pub fn require_unlike(&self, username: &str) -> Result<(), Invalid> {
        if lower_case(self.expose()).eq(lower_case(username)) {
            return Err(too_common("is the username; choose another"));
        }
        Ok(())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// A password as somebody types it to log in: 1 to 1,024 characters. The rules for new ones do not hold here: one that
/// breaks them is a wrong password like any other.
#[derive(Clone, Debug)]
pub struct PasswordAttempt(Secret);

impl PasswordAttempt {
    const LENGTH: (usize, usize) = (1, 1_024);

    /// The text, exactly as it is. The error does not show it.
    pub fn parse(text: String) -> Result<Self, Invalid> {
        secret(text, Self::LENGTH).map(Self)
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// What is kept of a password: a PHC string, with the way it was made.
#[derive(Clone)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash as it was made, or as it is stored. It is read when it is compared with.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

/// The text as a secret: wrapped before it is refused, so that it is wiped then, too.
fn secret(text: String, (min, max): (usize, usize)) -> Result<Secret, Invalid> {
    let length = Invalid::unless_length(&text, min, max);
    let secret = Secret::parse(text);
    length.and(secret)
}

fn too_common(message: &str) -> Invalid {
    Invalid { code: "too_common", message: message.to_owned() }
}

fn is_one_character(text: &str) -> bool {
    let mut characters = lower_case(text);
    let first = characters.next();
    characters.all(|character| Some(character) == first)
}

/// Line by line: the list is small beside the hash that follows.
fn is_common(text: &str) -> bool {
    COMMON.lines().any(|line| line.chars().eq(lower_case(text)))
}

/// Without a copy of the text, which nobody would wipe.
fn lower_case(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

fn schema((min, max): (usize, usize)) -> openapi::RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
        .min_length(Some(min))
        .max_length(Some(max))
        .into()
}

impl Deserr<FieldErrors> for Password {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        let text = fields::text(value, location)?;
        Self::parse(text).map_err(|invalid| FieldErrors::at(location, invalid))
    }
}

impl Deserr<FieldErrors> for PasswordAttempt {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        let text = fields::text(value, location)?;
        Self::parse(text).map_err(|invalid| FieldErrors::at(location, invalid))
    }
}

impl utoipa::PartialSchema for Password {
    fn schema() -> openapi::RefOr<Schema> {
        schema(Self::LENGTH)
    }
}

impl utoipa::ToSchema for Password {}

impl utoipa::PartialSchema for PasswordAttempt {
    fn schema() -> openapi::RefOr<Schema> {
        schema(Self::LENGTH)
    }
}

impl utoipa::ToSchema for PasswordAttempt {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> &'static str {
        let invalid = Password::parse(text.to_owned()).unwrap_err();
        assert!(text.is_empty() || !invalid.message.contains(text), "{invalid}");
        invalid.code
    }

    #[test]
    fn length_counts_characters() {
        for good in ["correct horse", "ÄÖÜäöüß éè", "0123456789x", " \t leading", &"ab".repeat(128)]
        {
            assert_eq!(Password::parse(good.to_owned()).unwrap().expose(), good);
        }
        for short in ["", "hunter2", "ÄÖÜäöüß é"] {
            assert_eq!(refusal(short), "too_short", "{short}");
        }
        assert_eq!(refusal(&format!("{}a", "ab".repeat(128))), "too_long");
        // More than any secret may have.
        assert_eq!(refusal(&"ab".repeat(10_000)), "too_long");
    }

    #[test]
    fn the_commonest_are_refused_in_any_case() {
        for common in ["password123", "PassWord123", "1234567890", "qwertyuiop", "QWERTYUIOP"] {
            assert_eq!(refusal(common), "too_common", "{common}");
        }
        for repeated in ["aaaaaaaaaa", "aaaaaAAAAA", "ÄäÄäÄäÄäÄä", "          ", "🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀"]
        {
            assert_eq!(refusal(repeated), "too_common", "{repeated}");
        }
        assert!(Password::parse("password123 ".to_owned()).is_ok(), "it is not trimmed");
    }

    #[test]
    fn the_list_is_as_the_comparison_needs_it() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert_eq!(lines.len(), 1_780);
        assert!(lines.is_sorted());
        assert!(lines.iter().all(|line| line.chars().count() >= Password::LENGTH.0));
        assert!(lines.iter().all(|line| line.chars().eq(lower_case(line))));
    }

    #[test]
    fn the_username_is_no_password() {
        let password = Password::parse("Maria.Curie.1867".to_owned()).unwrap();
        assert_eq!(password.require_unlike("maria.curie.1867").unwrap_err().code, "too_common");
        assert!(password.require_unlike("maria.curie").is_ok());
        assert!(password.require_unlike("").is_ok());
    }

    #[test]
    fn attempts_need_not_be_good() {
        for attempt in ["a", "password123", &"a".repeat(1_024), &"🦀".repeat(1_024)] {
            assert_eq!(PasswordAttempt::parse(attempt.to_owned()).unwrap().expose(), attempt);
        }
        assert_eq!(PasswordAttempt::parse(String::new()).unwrap_err().code, "too_short");
        assert_eq!(PasswordAttempt::parse("a".repeat(1_025)).unwrap_err().code, "too_long");
    }

    #[test]
    fn nothing_is_shown() {
        let text = "correct horse battery";
        let password = Password::parse(text.to_owned()).unwrap();
        let attempt = PasswordAttempt::parse(text.to_owned()).unwrap();
        let hash = PasswordHash::new(text.to_owned());
        let shown = format!("{password:?} {attempt:?} {hash:?}");
        assert_eq!(shown, "Password(Secret(***)) PasswordAttempt(Secret(***)) PasswordHash(***)");
    }

    #[test]
    fn they_are_read_from_json() {
        #[derive(Deserr, Debug)]
        #[deserr(error = FieldErrors, deny_unknown_fields)]
        struct Change {
            current_password: PasswordAttempt,
            new_password: Password,
        }
        let json = serde_json::json!({"current_password": "a", "new_password": "correct horse"});
        let change: Change = fields::parse(json).unwrap();
        assert_eq!((change.current_password.expose(), change.new_password.expose()), ("a", "correct horse"));
        let json = serde_json::json!({"current_password": 1, "new_password": "PASSWORD123"});
        let errors = fields::parse::<Change>(json).unwrap_err().0;
        let codes: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.code)).collect();
        assert_eq!(codes, [("current_password", "wrong_type"), ("new_password", "too_common")]);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_as_it_is_or_refused(text in ".{0,300}|\\PC{8,12}|[aA]{8,12}") {
            if let Ok(password) = Password::parse(text.clone()) {
                prop_assert_eq!(password.expose(), &text);
                prop_assert!((10..=256).contains(&text.chars().count()));
            }
            if let Ok(attempt) = PasswordAttempt::parse(text.clone()) {
                prop_assert_eq!(attempt.expose(), &text);
            }
        }
    }
}
