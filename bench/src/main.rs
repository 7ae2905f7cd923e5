//! Measures ServerTree as it is delivered: its start, its memory, its speed beside that of a bare program that does the same
//! with nothing around it, what log-in and permissions cost, how fast it rotates its master key, and how events fare. See `scripts/bench` and
//! docs/performance.md. It judges nothing: machines differ.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot measure has nothing better to do than to end"
)]

mod alone;
mod arguments;
mod backlog;
mod check;
mod comparison;
mod connection;
mod delivery;
mod engine;
mod event_log;
mod figure;
mod grpc;
mod histogram;
mod inventory;
mod load;
mod policy;
mod program;
mod requests;
mod rotation;

use std::io;

use arguments::Arguments;
use clap::{Parser, ValueEnum};
use comparison::Comparison;
use engine::Engine;
use figure::{Figure, Size};
use inventory::{Inventory, Programs};
use requests::{Kind, Requests};

/// Credentials of each server that is looked at.
const CREDENTIALS: usize = 2;

/// On one thread: whoever measures shares the processors with what is measured.
#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    tokio::select! {
        measured = measure_all(Arguments::parse()) => measured,
        // Interrupted, it drops all there is: programs end, and databases on servers are removed.
        _ = tokio::signal::ctrl_c() => Err(io::ErrorKind::Interrupted.into()),
    }
}

async fn measure_all(arguments: Arguments) -> io::Result<()> {
    let folder = arguments.programs.canonicalize()?;
    let programs = Programs {
        servertree: folder.join("servertree"),
        bare: folder.join("servertree-bare"),
        open: folder.join("servertree-open"),
    };
    let size = if arguments.smoke { Size::SMOKE } else { Size::FULL };
    println!("| figure | ServerTree | bare | ratio | aim |");
    println!("|---|---|---|---|---|");
    for engine in Engine::value_variants() {
        let figures = arguments.figures(*engine);
        if figures.is_empty() {
            continue;
        }
        let new_inventory = || Inventory::make(&programs, *engine, size.servers, CREDENTIALS);
        let inventory = new_inventory().await?;
        for figure in figures {
            measure(figure, &programs, *engine, &inventory, new_inventory, &size).await?;
        }
    }
    Ok(())
}

async fn measure(
    figure: Figure,
    programs: &Programs,
    engine: Engine,
    inventory: &Inventory,
    another: impl AsyncFn() -> io::Result<Inventory>,
    size: &Size,
) -> io::Result<()> {
    let ids = || inventory.ids.clone();
    let requests = |kind| Requests::new(kind, inventory.ids.len());
    let by_id = || requests(Kind::ById(ids()));
    let with_bare = || Comparison::with_bare(programs, inventory, inventory);
    let on_engine = |figure: &str| format!("{figure}, {}", inventory.engine());
    match figure {
        Figure::Start => alone::start(programs, inventory, size).await,
        Figure::Find => {
            with_bare().await?.print_ratio(&on_engine("server by id"), "≥ 0.8", size, by_id).await
        }
        Figure::List => {
            let list = || requests(Kind::List);
            with_bare()
                .await?
                .print_ratio(&on_engine("list of 25 by name, counted"), "≥ 0.8", size, list)
                .await
        }
        Figure::Register => {
            // Both register the same names.
            let its = if inventory.is_shared() { Some(another().await?) } else { None };
            let comparison = Comparison::with_bare(programs, inventory, its.as_ref().unwrap_or(inventory));
            let register = || requests(Kind::Register { credentials: 0 });
            comparison.await?.print_ratio(&on_engine("server registered"), "≥ 0.6", size, register).await
        }
        Figure::Authentication => {
            let comparison = Comparison::without_log_in(programs, inventory).await?;
            comparison.print_difference("log-in and permission", 15.0, size, by_id).await
        }
        Figure::Check => check::check(programs, size).await,
        Figure::Grpc => grpc::grpc(programs, size).await,
        Figure::Memory => alone::memory(programs, inventory, size).await,
        Figure::Rotation => rotation::rotation(programs, size).await,
        Figure::Delivery => delivery::delivery(programs, inventory, size).await,
        Figure::Drain => backlog::drain(programs, engine, size).await,
        Figure::Backlog => backlog::backlog(programs, inventory, size).await,
        Figure::Cache => {
            let aim = if engine == Engine::Mysql { "≥ 2" } else { "" };
            let comparison = Comparison::without_cache(programs, inventory).await?;
            comparison.print_ratio(&on_engine("server by id, from the cache"), aim, size, by_id).await
        }
    }
}
