//! What commands have in common: a runtime, and words for whoever gave them.

use std::io::{self, Write};

use crate::start::StartError;

/// A runtime for what a command does.
pub fn runtime() -> Result<tokio::runtime::Runtime, StartError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::Internal(format!("no runtime: {error}")))
}

/// Whoever stops reading (`servertree openapi | head`) has got what they wanted.
pub fn print(text: &str) -> Result<(), StartError> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(StartError::Internal(error.to_string()))
        }
        _ => Ok(()),
    }
}
