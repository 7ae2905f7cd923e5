//! The host: configuration, container, HTTP server and command line around the contexts.
//!
//! [`main`] is the whole program: whatever contexts are linked in register themselves.

mod admin;
mod assemble;
mod asyncapi;
mod background;
mod bus;
mod cli;
mod config;
mod console;
mod container;
mod contexts;
mod database;
mod events;
mod grpc;
mod http;
mod keys;
mod local;
mod logging;
mod metrics;
mod projections;
mod serve;
mod start;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// Decisions among 100,000 grants take two thirds of the time that they take with the system's allocator, and a sixth less memory
/// (docs/performance.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Runs the program; answers its exit status: 0 when it ended as asked, 2 when it could not start.
pub fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("servertree: {error}");
            ExitCode::from(2)
        }
    }
}
