//! How long it takes from what happened until a subscriber in the process has taken it, while writes come at a steady rate.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::figure::Size;
use crate::histogram::Histogram;
use crate::inventory::{Inventory, Programs};
use crate::load::steady;
use crate::requests::{Kind, Requests};

/// Writes in a second.
const RATE: u32 = 200;

/// After the last write: the last event is taken by then, and what was measured is sorted into buckets.
const SETTLE: Duration = Duration::from_secs(2);

/// The histogram, and the subscriber in it.
const DELIVERY: &str = "servertree_event_delivery_seconds";
const SUBSCRIBER: &str = r#"subscriber="server.applications""#;

/// From a registration's beginning until what it told of was taken lastingly.
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
    let before = Histogram::scrape(program, DELIVERY, SUBSCRIBER).await?;
    let registered = steady(program, &requests, RATE, size.steady).await?;
    tokio::time::sleep(SETTLE).await;
    let taken = Histogram::scrape(program, DELIVERY, SUBSCRIBER).await?.since(&before);
    assert_eq!(taken.count(), registered as f64, "not all events were taken");
    let [middle, slow] = [50.0, 99.0].map(|percent| taken.percentile(percent) * 1e3);
    println!(
        "| event taken by its subscriber, at {RATE} writes/s, ms | {middle:.1} (p99 {slow:.1}) | | | ≤ 5 (p99 ≤ 25) |"
    );
    Ok(())
}
