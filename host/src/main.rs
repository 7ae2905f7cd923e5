//! The program `servertree`. All of it is in the library, so that tests can build programs with more contexts.

use std::process::ExitCode;

fn main() -> ExitCode {
    servertree_host::main()
}
