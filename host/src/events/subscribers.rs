//! The subscribers there are, and how one is retired that no program has any more.

use std::time::{Duration, Instant};

use servertree_kernel::event::operations::SubscriberName;
use servertree_kernel::event::{PUBLISHER, RegisteredSubscriber};
use servertree_kernel::plugin::{Application, Context};

use crate::bus;
use crate::local::failed;
use crate::start::StartError;

/// How often it is said how far it is.
const INTERVAL: Duration = Duration::from_secs(2);

/// Their names, with what is left to be delivered.
pub async fn list(application: &Application) -> Result<String, StartError> {
    let mut text = format!("{:<36}  {:>9}  {:>6}\n", "name", "backlog", "dead");
    for RegisteredSubscriber { name, backlog, dead } in registered(application).await? {
        text += &format!("{name:<36}  {backlog:>9}  {dead:>6}\n");
    }
    Ok(text.trim_end().to_owned())
}

/// Retires one, unless this program has it: also in a context that is not enabled.
pub async fn retire(
    name: &SubscriberName,
    bus: &bus::Settings,
    application: &Application,
) -> Result<String, StartError> {
    let name = name.as_str();
    let publishes = name == PUBLISHER && !bus.url.is_empty();
    let mut of_program = Context::all()?.into_iter().flat_map(|context| context.subscriptions);
    if publishes || of_program.any(|subscription| subscription.name == name) {
        return Err(StartError::Admin(format!(
            "'{name}' is a subscriber of this program: it is not retired"
        )));
    }
    let known: Vec<String> =
        registered(application).await?.into_iter().map(|subscriber| subscriber.name).collect();
    let mut shown = Instant::now();
    let progress = |removed: u64| {
        if shown.elapsed() >= INTERVAL {
            shown = Instant::now();
            eprintln!("{removed} deliveries");
        }
    };
    let removed = application.retire(name, progress).await.map_err(|failure| failed(&failure))?;
    // One that was broken off is not registered any more, and has deliveries left.
    if removed == 0 && !known.iter().any(|registered| registered == name) {
        let known = known.join(", ");
        return Err(StartError::Admin(format!("there is no subscriber '{name}'; there are: {known}")));
    }
    Ok(format!("'{name}' was retired, with {removed} deliveries."))
}

async fn registered(application: &Application) -> Result<Vec<RegisteredSubscriber>, StartError> {
    application.subscribers().await.map_err(|failure| failed(&failure))
}
