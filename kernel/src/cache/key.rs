//! What values are found by, and what they are forgotten by.

use std::collections::BTreeSet;
use std::fmt;

/// What a value is found by: a name, and the tags it is forgotten by. The same name with other tags is another key.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    name: String,
    tags: BTreeSet<Tag>,
}

impl Key {
    /// A key without tags. Names are common to all contexts, so one begins with its context's: `server.list:…`. It
    /// names everything that the value depends on: filter, page, fields, the scope of the caller's permission.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), tags: BTreeSet::new() }
    }

    /// Adds a tag.
    pub fn tagged(mut self, tag: impl Into<Tag>) -> Self {
        self.tags.insert(tag.into());
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tags.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter()
    }
}

/// What values are made from: a kind of object (`server`), or one of them (`server:0198…`). Who changes that
/// invalidates the tag.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tag(String);

impl Tag {
    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Tag {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
