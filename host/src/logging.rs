//! The log: text for people, JSON for programs, on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};
use crate::start::StartError;

/// What libraries tell of their own start is of no use to operators, what is not even HTTP is no error of ours, and lapin shows messages:
/// anybody could fill the log with it. `log.level` can ask for both.
const QUIET: &str = "actix_server=warn,actix_http=off,lapin=off";

/// Starts logging.
pub fn start(settings: &LogSettings) -> Result<(), StartError> {
    let filter = EnvFilter::new(format!("{QUIET},{}", settings.level));
    let as_text = match settings.format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = if as_text {
        log.with_ansi(io::stderr().is_terminal()).with_target(false).try_init()
    } else {
        log.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    started.map_err(|error| StartError::Internal(format!("logging could not start: {error}")))?;
    // A panic is a line of the log like any other, and not loose text among JSON.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, panic = panic.payload_as_str(), "something panicked");
    }));
    Ok(())
}
