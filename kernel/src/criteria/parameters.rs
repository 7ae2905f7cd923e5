//! The parameters of a list, as a query string has them.

use serde_json::Value;

use super::field::{Field, fold};
use super::filter::Filter;
use crate::json;
use crate::problem::InvalidParameter;

const KNOWN: &[&str] =
    &["filter", "and_filter", "or_filter", SEARCH, "sort", "limit", "offset", "cursor", "count", "fields"];
/// Known where a list can be searched.
const SEARCH: &str = "q";
const DEFAULT_LIMIT: u64 = 25;
const MAX_LIMIT: u64 = 500;
/// Beyond it, skipping rows costs more than it is worth; a cursor costs the same everywhere.
pub(super) const MAX_OFFSET: u64 = 10_000;
/// The longest value of a parameter, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// Known parameters, each given once, none too long.
pub(super) struct Parameters<'p>(&'p [(String, String)]);

impl<'p> Parameters<'p> {
    pub(super) fn new(pairs: &'p [(String, String)], has_search: bool) -> Result<Self, InvalidParameter> {
        let known = KNOWN.iter().copied().filter(|known| has_search || *known != SEARCH);
        for (position, (name, value)) in pairs.iter().enumerate() {
            if known.clone().all(|known| known != name) {
                let message = format!("is unknown here; known are {}", known.collect::<Vec<_>>().join(", "));
                return Err(InvalidParameter::new(name, "unknown_parameter", message));
            }
            if pairs[..position].iter().any(|(other, _)| other == name) {
                return Err(InvalidParameter::new(name, "repeated", "must be given once"));
            }
            if value.len() > MAX_LENGTH {
                let message = format!("has {} bytes; {MAX_LENGTH} are allowed", value.len());
                return Err(InvalidParameter::new(name, "too_long", message));
            }
        }
        Ok(Self(pairs))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'p str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What is wrong with the value of a parameter, as the error of that parameter.
    pub(super) fn check<T>(&self, name: &str, outcome: Result<T, String>) -> Result<T, InvalidParameter> {
        outcome.map_err(|message| InvalidParameter::new(name, "invalid_format", message))
    }

    /// `filter` and all of `and_filter` and any of `or_filter`.
    pub(super) fn filter(&self, fields: &'static [Field]) -> Result<Filter, InvalidParameter> {
        let one = |json: &Value| Filter::parse(fields, json);
        let all = |json: &Value| Filter::parse_many(fields, json).map(Filter::All);
        let any = |json: &Value| Filter::parse_many(fields, json).map(Filter::Any);
        let given = [
            self.filter_in("filter", one)?,
            self.filter_in("and_filter", all)?,
            self.filter_in("or_filter", any)?,
        ];
        Ok(Filter::All(given.into_iter().flatten().collect()))
    }

    fn filter_in(
        &self,
        name: &str,
        parse: impl FnOnce(&Value) -> Result<Filter, String>,
    ) -> Result<Option<Filter>, InvalidParameter> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let json = json::parse(text.as_bytes()).map_err(|error| format!("must be JSON: {error}"));
        let filter = parse(&self.check(name, json)?).and_then(|filter| filter.check_size().map(|()| filter));
        self.check(name, filter).map(Some)
    }

    /// The words of a text, in lower case.
    pub(super) fn words(&self, name: &str, most: usize) -> Result<Vec<String>, InvalidParameter> {
        let words: Vec<String> = self.get(name).unwrap_or_default().split_whitespace().map(fold).collect();
        if words.len() > most {
            let message = format!("has {} words; {most} are allowed", words.len());
            return Err(InvalidParameter::new(name, "too_long", message));
        }
        Ok(words)
    }

    pub(super) fn limit(&self) -> Result<u64, InvalidParameter> {
        self.integer("limit", 1, MAX_LIMIT).map(|limit| limit.unwrap_or(DEFAULT_LIMIT))
    }

    /// None with a cursor, which is a place by itself.
    pub(super) fn offset(&self, with_cursor: bool) -> Result<Option<u64>, InvalidParameter> {
        match self.integer("offset", 0, MAX_OFFSET)? {
            Some(_) if with_cursor => {
                Err(InvalidParameter::new("offset", "conflicting", "must not be given together with cursor"))
            }
            None if with_cursor => Ok(None),
            offset => Ok(Some(offset.unwrap_or(0))),
        }
    }

    pub(super) fn counts(&self) -> Result<bool, InvalidParameter> {
        match self.get("count") {
            None | Some("exact") => Ok(true),
            Some("none") => Ok(false),
            Some(_) => Err(InvalidParameter::new("count", "unknown_value", "must be exact or none")),
        }
    }

    pub(super) fn fields(
        &self,
        shown: &'static [&'static str],
    ) -> Result<Option<Vec<&'static str>>, InvalidParameter> {
        let Some(text) = self.get("fields") else { return Ok(None) };
        let find = |name: &str| {
            shown.iter().copied().find(|field| *field == name.trim()).ok_or_else(|| {
                let found = crate::fields::shortened(name);
                let message = format!("names '{found}', which is unknown; known are {}", shown.join(", "));
                InvalidParameter::new("fields", "unknown_field", message)
            })
        };
        text.split(',').map(find).collect::<Result<_, _>>().map(Some)
    }

    fn integer(&self, name: &str, min: u64, max: u64) -> Result<Option<u64>, InvalidParameter> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let number = value.parse::<u64>().ok().filter(|number| is_number && (min..=max).contains(number));
        number.map(Some).ok_or_else(|| {
            let found = crate::fields::shortened(value);
            let message = format!("must be a whole number from {min} to {max}, not '{found}'");
            InvalidParameter::new(name, "out_of_range", message)
        })
    }
}
