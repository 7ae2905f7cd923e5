//! The commands on events.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};
use servertree_kernel::criteria::{Criteria, Filter, ListView};
use servertree_kernel::event::Envelope;
use servertree_kernel::event::operations::{
    DeliveryView, DiscardEvent, DiscardReason, EventId, EventView, FindEvent, FindEvents, ResubmitEvent,
    ResubmitEvents, SubscriberName,
};
use servertree_kernel::plugin::Application;

use crate::config::Config;
use crate::console::{print, runtime};
use crate::local::{failed, message, with_application};
use crate::logging;
use crate::start::StartError;

#[derive(Subcommand, Clone)]
pub enum Command {
    /// List events, newest first: a line for each subscriber that takes it, with what became of it there.
    List(Listed),
    /// Show an event as JSON, with its deliveries and what went wrong last.
    Show {
        /// The id of the event.
        id: EventId,
    },
    /// Hand an event over anew to whom it is dead or failed with, or the dead ones that match. A service that runs sees it within
    /// `events.poll_interval`.
    #[command(group = ArgGroup::new("which").required(true).args(["id", "all_dead"]))]
    Resubmit {
        /// The id of the event.
        #[arg(conflicts_with = "Matching")]
        id: Option<EventId>,
        /// All events that are dead, or those of them that are told by the other options.
        #[arg(long)]
        all_dead: bool,
        #[command(flatten)]
        matching: Matching,
        /// To this subscriber alone.
        #[arg(long, value_parser = subscriber)]
        subscriber: Option<SubscriberName>,
    },
    /// Give up handing an event over where it is dead or failed. What it held back comes next.
    Discard {
        /// The id of the event.
        id: EventId,
        /// Why: it is kept.
        #[arg(long, value_parser = reason)]
        reason: DiscardReason,
        /// For this subscriber alone.
        #[arg(long, value_parser = subscriber)]
        subscriber: Option<SubscriberName>,
    },
}

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
    fn filter(&self) -> Map<String, Value> {
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

fn subscriber(text: &str) -> Result<SubscriberName, String> {
    SubscriberName::parse(text.to_owned()).map_err(|fault| fault.message)
}

fn reason(text: &str) -> Result<DiscardReason, String> {
    DiscardReason::parse(text.to_owned()).map_err(|fault| fault.message)
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

/// Does what was asked for.
pub fn run(command: Command, config: &Config) -> Result<(), StartError> {
    logging::start(&config.log)?;
    let done = runtime()?.block_on(with_application(config, async |application| match command {
        Command::List(listed) => list(&listed, application).await,
        Command::Show { id } => show(id, application).await,
        Command::Resubmit { id: Some(id), subscriber, .. } => {
            let resubmitted = application
                .commands
                .dispatch(ResubmitEvent { id, subscriber }, message(application))
                .await
                .map_err(|failure| failed(&failure))?;
            Ok(format!("{} resubmitted.", deliveries(resubmitted.resubmitted)))
        }
        Command::Resubmit { id: None, matching, subscriber, .. } => {
            resubmit_all(&matching, subscriber, application).await
        }
        Command::Discard { id, reason, subscriber } => {
            let discarded = application
                .commands
                .dispatch(DiscardEvent { id, subscriber, reason }, message(application))
                .await
                .map_err(|failure| failed(&failure))?;
            Ok(format!("{} discarded.", deliveries(discarded.discarded)))
        }
    }))?;
    print(&done)
}

fn deliveries(count: usize) -> String {
    if count == 1 { "1 delivery was".to_owned() } else { format!("{count} deliveries were") }
}

/// Each once: one that is dead again at once is not resubmitted for ever.
async fn resubmit_all(
    matching: &Matching,
    subscriber: Option<SubscriberName>,
    application: &Application,
) -> Result<String, StartError> {
    let filter =
        Filter::parse(EventView::FIELDS, &Value::Object(matching.filter())).map_err(StartError::Admin)?;
    let (mut resubmitted, mut after) = (0, None);
    loop {
        let command = ResubmitEvents { filter: filter.clone(), subscriber: subscriber.clone(), after };
        let done = application
            .commands
            .dispatch(command, message(application))
            .await
            .map_err(|failure| failed(&failure))?;
        resubmitted += done.resubmitted;
        if !done.more {
            return Ok(format!("{} resubmitted.", deliveries(resubmitted)));
        }
        after = done.last;
    }
}

async fn show(id: EventId, application: &Application) -> Result<String, StartError> {
    let event = application
        .queries
        .ask(FindEvent { id }, message(application))
        .await
        .map_err(|failure| failed(&failure))?;
    serde_json::to_string_pretty(&event).map_err(|error| StartError::Admin(error.to_string()))
}

async fn list(listed: &Listed, application: &Application) -> Result<String, StartError> {
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
