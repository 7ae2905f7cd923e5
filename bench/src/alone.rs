//! What is measured of ServerTree alone: its start and its memory.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::figure::{Size, largest, median};
use crate::inventory::{Inventory, Programs};
use crate::load::{Amount, load};
use crate::requests::{Kind, Requests};

/// How long a program is left alone before it counts as idle.
const SETTLE: Duration = Duration::from_secs(1);

/// From the start until it answers that it is ready, and the memory it takes then.
pub async fn start(programs: &Programs, inventory: &Inventory, size: &Size) -> io::Result<()> {
    let mut ready = Vec::new();
    let mut memory = Vec::new();
    for start in 1..=size.starts {
        eprintln!("Start {start} of {} …", size.starts);
        let started = inventory.servertree(programs, &[])?;
        ready.push(started.program.ready_after.as_secs_f64() * 1e3);
        tokio::time::sleep(SETTLE).await;
        memory.push(started.program.resident_mib());
    }
    row("start to ready, existing database, ms", &ready, 200);
    row("resident memory, idle, MiB", &memory, 40);
    Ok(())
}

/// The memory it takes after many requests of all kinds.
pub async fn memory(programs: &Programs, inventory: &Inventory, size: &Size) -> io::Result<()> {
    eprintln!("{} requests …", size.requests);
    let mut started = inventory.servertree(programs, &[])?;
    started.log_in().await?;
    let requests = Arc::new(Requests::new(Kind::Mixed(inventory.ids.clone()), inventory.ids.len()));
    load(&started.program, &requests, Amount::Requests(size.requests)).await?;
    tokio::time::sleep(SETTLE).await;
    let figure = format!("resident memory after {} requests, MiB", size.requests);
    row(&figure, &[started.program.resident_mib()], 120);
    Ok(())
}

fn row(figure: &str, measured: &[f64], aim: u32) {
    let (median, largest) = (median(measured), largest(measured));
    let spread = if measured.len() > 1 { format!(" (largest {largest:.1})") } else { String::new() };
    println!("| {figure} | {median:.1}{spread} | | | ≤ {aim} |");
}
