//! Events, as lines.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use servertree_kernel::criteria::Criteria;
use servertree_kernel::event::operations::{DeliveryView, EventView, FindEvents, SubscriberName};
use servertree_kernel::plugin::Application;

use super::matching::{Matching, subscriber};
use crate::local::{failed, message};
use crate::start::StartError;

#[derive(Args, Clone)]
pub struct Listed {
    #[command(flatten)]
    matching: Matching,
    /// Only where this became of it.
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only of this subscriber.
    #[arg(long, value_parser = subscriber)]
    subscriber: Option<SubscriberName>,
    /// How many events at most.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
}

/// What became of a delivery.
#[derive(ValueEnum, Clone, Copy)]
pub enum State {
    /// Not tried yet.
    Pending,
    /// Taken.
    Delivered,
    /// Tried, and to be tried again.
    Failed,
    /// Not tried any more, until somebody sees to it.
    Dead,
    /// Given up by somebody.
    Discarded,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }
}

/// The events that are asked for.
pub async fn list(listed: &Listed, application: &Application) -> Result<String, StartError> {
    let mut filter = listed.matching.filter();
    let mut equals = |field: &str, value: Option<&str>| {
        if let Some(value) = value {
            filter.insert(field.to_owned(), json!({"eq": value}));
        }
    };
    equals("deliveries.state", listed.state.map(State::as_str));
    equals("deliveries.subscriber", listed.subscriber.as_ref().map(SubscriberName::as_str));
    let pairs = [
        ("filter", Value::Object(filter).to_string()),
        ("limit", listed.limit.to_string()),
        ("count", "none".to_owned()),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value));
    let criteria = Criteria::parse(&pairs).map_err(|fault| StartError::Admin(fault.to_string()))?;
    let found = application
        .queries
        .ask(FindEvents { criteria }, message(application))
        .await
        .map_err(|failure| failed(&failure))?;
    Ok(table(&found.items, listed))
}

fn table(events: &[EventView], listed: &Listed) -> String {
    let mut text = format!(
        "{:<36}  {:<26}  {:<36}  {:<27}  {:<30}  {:<9}  {:>8}  error\n",
        "id", "type", "subject", "time", "subscriber", "state", "attempts"
    );
    for event in events {
        let is_asked_for = |delivery: &&DeliveryView| {
            listed.state.is_none_or(|state| delivery.state == state.as_str())
                && listed.subscriber.as_ref().is_none_or(|name| delivery.subscriber == name.as_str())
        };
        let mut is_of_somebody = false;
        for delivery in event.deliveries.iter().filter(is_asked_for) {
            is_of_somebody = true;
            let DeliveryView { subscriber, state, attempts, last_error, .. } = delivery;
            // One line is one delivery, whatever an error says.
            let error = last_error.as_deref().unwrap_or_default().replace(char::is_control, " ");
            text += &line(event, &format!("{subscriber:<30}  {state:<9}  {attempts:>8}  {error}"));
        }
        if !is_of_somebody {
            text += &line(event, "-");
        }
    }
    text.trim_end().to_owned()
}

fn line(event: &EventView, delivery: &str) -> String {
    let EventView { id, event_type, subject, time, .. } = event;
    let time = time.to_string();
    let line = format!("{id}  {event_type:<26}  {subject}  {time:<27}  {delivery}");
    format!("{}\n", line.trim_end())
}
