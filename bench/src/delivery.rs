//! How long it takes from what happened until a subscriber in the process has taken it, while writes come at a steady rate.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::figure::Size;
use crate::histogram::Histogram;
use crate::inventory::{Inventory, Programs};
use crate::load::steady;
use crate::program::Program;
use crate::requests::{Kind, Requests};

/// Writes in a second.
const RATE: u32 = 200;

/// After the last write: the last event is taken by then, and what was measured is sorted into buckets.
const SETTLE: Duration = Duration::from_secs(2);

/// A histogram and what its series is labelled with: of the subscriber, and of the command that it is told of.
const DELIVERY: (&str, &str) = ("servertree_event_delivery_seconds", r#"subscriber="server.applications""#);
const COMMAND: (&str, &str) = (
    "servertree_command_duration_seconds",
    r#"context="application",command="application.register_application",outcome="ok""#,
);

/// From a command's beginning until what it told of was taken lastingly; beside it, the commands themselves.
#[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 events")]
pub async fn delivery(programs: &Programs, inventory: &Inventory, size: &Size) -> io::Result<()> {
    let mut started = inventory.servertree(programs, &[])?;
    started.log_in().await?;
    let program = &started.program;
    let requests = Arc::new(Requests::new(Kind::RegisterApplication, 0));
    eprintln!("{RATE} registrations a second, for {:?} …", size.steady);
    // Caches, prepared statements.
    steady(program, &requests, RATE, size.steady / 6).await?;
    tokio::time::sleep(SETTLE).await;
    let before = [look(program, DELIVERY).await?, look(program, COMMAND).await?];
    let registered = steady(program, &requests, RATE, size.steady).await?;
    tokio::time::sleep(SETTLE).await;
    let taken = look(program, DELIVERY).await?.since(&before[0]);
    let commands = look(program, COMMAND).await?.since(&before[1]);
    let counts = [taken.count(), commands.count()];
    assert_eq!(counts, [registered as f64; 2], "events that were taken, and commands");
    let [taken, commands] = [taken, commands].map(|histogram| {
        let [middle, slow] = [50.0, 99.0].map(|percent| histogram.percentile(percent) * 1e3);
        format!("{middle:.1} (p99 {slow:.1})")
    });
    println!(
        "| event taken by its subscriber, at {RATE} writes/s, ms | {taken}; the command alone {commands} | | | ≤ 5 (p99 ≤ 25) |"
    );
    Ok(())
}

async fn look(program: &Program, (name, labels): (&str, &str)) -> io::Result<Histogram> {
    Histogram::scrape(program, name, labels).await
}
