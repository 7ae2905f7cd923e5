//! Much that is to be delivered: how fast that goes, what memory it takes, and whether it is in the way of who writes.

use std::io;
use std::time::{Duration, Instant};

use crate::comparison::Comparison;
use crate::engine::Engine;
use crate::event_log::EventLog;
use crate::figure::Size;
use crate::inventory::{Inventory, Measured, Programs};
use crate::requests::{Kind, Requests};

/// How often the database is asked how far it is: whoever asks is in the way.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// No backlog takes as long: whichever does has got stuck.
const GIVE_UP_AFTER: Duration = Duration::from_secs(1_200);

/// Deliveries in a second, from the start of the program until none is left.
#[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 deliveries")]
pub async fn drain(programs: &Programs, engine: Engine, size: &Size) -> io::Result<()> {
    let events = size.drained;
    let inventory = Inventory::make(programs, engine, 0, 0).await?;
    let (started, mut log) = start_behind(programs, &inventory, events).await?;
    eprintln!("Delivering {events} events …");
    let since = Instant::now();
    while !log.is_drained().await {
        wait(since).await;
    }
    let took = started.program.ready_after + since.elapsed();
    log.assert_drained(events).await;
    let (figure, per_second) = (inventory.engine(), events as f64 / took.as_secs_f64());
    println!("| backlog of {events} deliveries, {figure}, deliveries/s | {per_second:.0} | | | ≥ 2000 |");
    Ok(())
}

/// The most memory that it takes while it makes as many deliveries, of a backlog of no more, and of a large one; and what somebody
/// registers beside a large one that nobody works at.
pub async fn backlog(programs: &Programs, inventory: &Inventory, size: &Size) -> io::Result<()> {
    let empty = Inventory::make(programs, Engine::Sqlite, 0, 0).await?;
    let (deliveries, backlog) = (size.drained, size.backlog);
    let small = most_memory(programs, &empty, deliveries, deliveries).await?;
    let large = most_memory(programs, &empty, backlog, deliveries).await?;
    println!(
        "| memory while {deliveries} deliveries are made, of a backlog of {backlog}, MiB | {large:.1}, of one of {deliveries}: \
         {small:.1} | | {:.2} | ≤ 1.1 |",
        large / small
    );
    let with = with_absent(programs, inventory, backlog).await?;
    let without = with_absent(programs, inventory, 0).await?;
    let register = || Requests::new(Kind::Register { credentials: 0 }, inventory.ids.len());
    let figure = format!("server registered, beside {backlog} open deliveries, SQLite");
    Comparison::of_ours(with, without).await?.print_ratio(&figure, "≥ 0.9", size, register).await
}

async fn most_memory(
    programs: &Programs,
    empty: &Inventory,
    backlog: usize,
    deliveries: usize,
) -> io::Result<f64> {
    let (started, mut log) = start_behind(programs, empty, backlog).await?;
    eprintln!("Delivering {deliveries} events of {backlog} …");
    let since = Instant::now();
    while log.taken().await < deliveries {
        wait(since).await;
    }
    Ok(started.program.most_resident_mib())
}

/// Starts ServerTree on a copy of `inventory` in which so many events are in the log that nobody has heard of.
async fn start_behind(
    programs: &Programs,
    inventory: &Inventory,
    events: usize,
) -> io::Result<(Measured, EventLog)> {
    let folder = inventory.copy()?;
    let mut log = EventLog::open(&inventory.url(folder.path())).await;
    log.write(events).await;
    Ok((inventory.servertree_in(folder, programs, &[]), log))
}

/// ServerTree on a copy of `inventory`, with a subscriber that is away, and so many open deliveries of it.
async fn with_absent(programs: &Programs, inventory: &Inventory, deliveries: usize) -> io::Result<Measured> {
    let folder = inventory.copy()?;
    let mut log = EventLog::open(&inventory.url(folder.path())).await;
    log.write_for_absent(deliveries).await;
    log.close().await;
    Ok(inventory.servertree_in(folder, programs, &[]))
}

async fn wait(since: Instant) {
    assert!(since.elapsed() < GIVE_UP_AFTER, "events are not delivered");
    tokio::time::sleep(ASK_EVERY).await;
}
