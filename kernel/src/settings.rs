//! Sections of the configuration: each context owns its own, as a type with defaults and rules, which the host need not know.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use figment::Figment;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shaku::{Component, Interface};

/// A section of the configuration.
pub trait Section: Serialize + DeserializeOwned + Default + Clone + Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;

    /// What is wrong with it, if anything is: the key, and what is allowed.
    fn validate(&self) -> Result<(), (&'static str, String)>;

    /// The same with what is secret hidden.
    fn shown(&self) -> Self {
        self.clone()
    }
}

/// A section, as the host reads it.
#[derive(Clone, Copy)]
pub struct SectionType {
    /// Its name.
    pub name: &'static str,
    /// Reads it out of all settings; where nobody gives it, it is as it is by default.
    pub read: fn(&Figment) -> Result<ReadSection, Box<figment::Error>>,
}

/// A section that was read.
pub struct ReadSection {
    /// A [`Section`].
    pub value: Arc<dyn Any + Send + Sync>,
    /// What is wrong with it, if anything is: the key, and what is allowed.
    pub fault: Option<(&'static str, String)>,
    /// With what is secret hidden.
    pub shown: figment::value::Value,
}

impl SectionType {
    /// The section `S`.
    pub const fn of<S: Section>() -> Self {
        Self { name: S::NAME, read: read::<S> }
    }
}

fn read<S: Section>(figment: &Figment) -> Result<ReadSection, Box<figment::Error>> {
    let is_given = figment.find_value(S::NAME).is_ok();
    let section = if is_given { figment.extract_inner(S::NAME)? } else { S::default() };
    Ok(ReadSection {
        fault: section.validate().err(),
        shown: figment::value::Value::serialize(section.shown())?,
        value: Arc::new(section),
    })
}

/// Has the sections of all contexts.
pub trait Sections: Interface {
    /// The section of this name.
    fn section(&self, name: &str) -> Option<&Arc<dyn Any + Send + Sync>>;
}

impl dyn Sections {
    /// The section `S`; as it is by default, where nobody configured anything.
    pub fn get<S: Section>(&self) -> S {
        self.section(S::NAME).and_then(|section| section.downcast_ref::<S>()).cloned().unwrap_or_default()
    }
}

/// The sections as they were read at the start.
#[derive(Component, Clone, Default)]
#[shaku(interface = Sections)]
pub struct ReadSections {
    /// By name.
    #[shaku(default)]
    pub by_name: HashMap<&'static str, Arc<dyn Any + Send + Sync>>,
}

impl Sections for ReadSections {
    fn section(&self, name: &str) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.by_name.get(name)
    }
}
