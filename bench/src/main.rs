//! Measures the program as it is delivered: from its start until it is ready, and the memory it takes when idle.
//!
//! `servertree-bench PROGRAM RUNS`; see `scripts/bench`. It prints figures and judges nothing: machines differ.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot measure has nothing better to do than to end"
)]

mod program;

use std::time::Duration;

use program::Program;
use tempfile::TempDir;

/// How long a program is left alone before it counts as idle.
const SETTLE: Duration = Duration::from_secs(1);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().and_then(|path| std::fs::canonicalize(path).ok());
    let program = program.expect("the path of the program to measure");
    let runs: usize = arguments.next().and_then(|runs| runs.parse().ok()).expect("how many runs");

    let folder = TempDir::new().expect("a temporary folder");
    eprintln!("Making a database …");
    drop(Program::start(&program, folder.path()));

    let mut ready = Vec::new();
    let mut memory = Vec::new();
    for run in 1..=runs {
        eprintln!("Run {run} of {runs} …");
        let started = Program::start(&program, folder.path());
        ready.push(started.ready_after.as_secs_f64() * 1e3);
        std::thread::sleep(SETTLE);
        memory.push(started.resident_mib());
    }
    println!("| figure, over {runs} runs | median | largest | aim |");
    println!("|---|---|---|---|");
    println!("| start to ready, existing database, ms | {} | 200 |", row(&mut ready));
    println!("| resident memory, idle, MiB | {} | 40 |", row(&mut memory));
}

/// The median and the largest.
fn row(figures: &mut [f64]) -> String {
    figures.sort_by(f64::total_cmp);
    let largest = figures.last().copied().unwrap_or(f64::NAN);
    let median = figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN);
    format!("{median:.1} | {largest:.1}")
}
