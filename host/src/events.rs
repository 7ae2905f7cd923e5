//! The commands on events.

mod list;
mod matching;
mod subscribers;

use clap::{ArgGroup, Subcommand};
use serde_json::Value;
use servertree_kernel::criteria::{Filter, ListView};
use servertree_kernel::event::operations::{
    DiscardEvent, DiscardReason, EventId, EventView, FindEvent, RepublishEvents, ResubmitEvent,
    ResubmitEvents, SubscriberName,
};
use servertree_kernel::plugin::Application;

use self::list::{Listed, list};
use self::matching::{Matching, subscriber};
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
    /// Publish events again, by the broker: for a service that lost what it was told, or that is new and wants to know the past. Those who
    /// heard of them before know them by their ids. A service that runs sees it within `events.poll_interval`.
    Republish {
        /// All events that ever happened here.
        #[arg(long, conflicts_with = "Matching")]
        all: bool,
        #[command(flatten)]
        matching: Matching,
    },
    /// List the subscribers that there are in the database, and what is left to be delivered to them.
    Subscribers,
    /// Have nothing delivered any more to a subscriber that no version of the program has, and remove what is left for it.
    Retire {
        /// Its name.
        #[arg(value_parser = subscriber)]
        name: SubscriberName,
    },
}

fn reason(text: &str) -> Result<DiscardReason, String> {
    DiscardReason::parse(text.to_owned()).map_err(|fault| fault.message)
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
        Command::Republish { all, matching } => republish(all, &matching, application).await,
        Command::Subscribers => subscribers::list(application).await,
        Command::Retire { name } => subscribers::retire(&name, &config.bus, application).await,
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

async fn republish(all: bool, matching: &Matching, application: &Application) -> Result<String, StartError> {
    let filter = matching.filter();
    if filter.is_empty() && !all {
        let fault = "say which events, with --type, --context, --subject, --since or --until, or --all for all of them";
        return Err(StartError::Admin(fault.to_owned()));
    }
    let filter = Filter::parse(EventView::FIELDS, &Value::Object(filter)).map_err(StartError::Admin)?;
    let (mut republished, mut after) = (0, None);
    loop {
        let command = RepublishEvents { filter: filter.clone(), after };
        let done = application
            .commands
            .dispatch(command, message(application))
            .await
            .map_err(|failure| failed(&failure))?;
        republished += done.republished;
        match done.more_after {
            Some(last) => after = Some(last),
            None => return Ok(format!("{republished} events are published again.")),
        }
        eprintln!("{republished} events so far");
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
