//! Which events a command is about.

use clap::Args;
use serde_json::{Map, Value, json};
use servertree_kernel::criteria::{Filter, ListView};
use servertree_kernel::event::Envelope;
use servertree_kernel::event::operations::{EventView, SubscriberName};

/// Which events.
#[derive(Args, Clone)]
pub struct Matching {
    /// Only events of this name: `server.registered`.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only events of this context: `server`.
    #[arg(long)]
    context: Option<String>,
    /// Only events about the object with this id.
    #[arg(long, value_name = "ID", value_parser = subject)]
    subject: Option<String>,
    /// Only what happened then or later: `2026-01-31T10:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<String>,
    /// Only what happened before.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<String>,
}

impl Matching {
    /// As a filter of the list of events.
    pub fn filter(&self) -> Map<String, Value> {
        let source = self.context.as_deref().map(Envelope::source_of);
        let conditions = [
            ("type", "eq", self.event_type.as_ref()),
            ("source", "eq", source.as_ref()),
            ("subject", "eq", self.subject.as_ref()),
            ("time", "ge", self.since.as_ref()),
            ("time", "lt", self.until.as_ref()),
        ];
        let mut filter = Map::new();
        for (field, operator, value) in conditions {
            if let Some(value) = value {
                filter.entry(field).or_insert_with(|| json!({}))[operator] = json!(value);
            }
        }
        filter
    }
}

/// Reads the name of a subscriber.
pub fn subscriber(text: &str) -> Result<SubscriberName, String> {
    SubscriberName::parse(text.to_owned()).map_err(|fault| fault.message)
}

fn subject(text: &str) -> Result<String, String> {
    comparable("subject", text)
}

fn time(text: &str) -> Result<String, String> {
    comparable("time", text)
}

/// What the list of events takes to compare this field with.
fn comparable(field: &str, text: &str) -> Result<String, String> {
    Filter::parse(EventView::FIELDS, &json!({field: {"eq": text}})).map(|_| text.to_owned())
}
