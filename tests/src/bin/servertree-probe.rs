//! The program `servertree` with one more context, which tells tests what was delivered to it.

use std::process::ExitCode;

use servertree_tests as _;

fn main() -> ExitCode {
    servertree_host::main()
}
