//! Measures ServerTree as it is delivered: its start, its memory, its speed beside that of a bare program that does the same
//! with nothing around it, and how fast it rotates its master key. See `scripts/bench` and docs/performance.md. It judges
//! nothing: machines differ.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot measure has nothing better to do than to end"
)]

mod alone;
mod comparison;
mod connection;
mod figure;
mod inventory;
mod load;
mod program;
mod requests;
mod rotation;

use std::io;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use comparison::Comparison;
use figure::{Figure, Size};
use inventory::{Inventory, Programs};
use requests::{Kind, Requests};

/// Credentials of each server that is looked at.
const CREDENTIALS: usize = 2;

#[derive(Parser)]
struct Arguments {
    /// The folder of the programs `servertree` and `servertree-bare`.
    programs: PathBuf,
    /// Measure next to nothing: only to see that it can be measured.
    #[arg(long)]
    smoke: bool,
    /// Measure only these.
    #[arg(long, value_enum)]
    only: Vec<Figure>,
}

/// On one thread: whoever measures shares the processors with what is measured.
#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let folder = arguments.programs.canonicalize()?;
    let programs = Programs { servertree: folder.join("servertree"), bare: folder.join("servertree-bare") };
    let size = if arguments.smoke { Size::SMOKE } else { Size::FULL };
    let all = Figure::value_variants().iter().copied();
    let wanted: Vec<Figure> =
        all.filter(|figure| arguments.only.is_empty() || arguments.only.contains(figure)).collect();

    let inventory = Inventory::make(&programs, size.servers, CREDENTIALS).await?;
    println!("| figure | ServerTree | bare | ratio | aim |");
    println!("|---|---|---|---|---|");
    for figure in wanted {
        measure(figure, &programs, &inventory, &size).await?;
    }
    Ok(())
}

async fn measure(figure: Figure, programs: &Programs, inventory: &Inventory, size: &Size) -> io::Result<()> {
    let ids = || inventory.ids.clone();
    let requests = |kind| Requests::new(kind, inventory.ids.len());
    let both = || Comparison::start(programs, inventory);
    match figure {
        Figure::Start => alone::start(programs, inventory, size).await,
        Figure::Find => both()?.run("server by id", 0.8, size, || requests(Kind::ById(ids()))).await,
        Figure::List => both()?.run("list of 25 by name, counted", 0.8, size, || requests(Kind::List)).await,
        Figure::Register => {
            both()?.run("server registered", 0.6, size, || requests(Kind::Register { credentials: 0 })).await
        }
        Figure::Memory => alone::memory(programs, inventory, size).await,
        Figure::Rotation => rotation::rotation(programs, size).await,
    }
}
