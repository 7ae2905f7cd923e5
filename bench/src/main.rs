//! Measures ServerTree as it is delivered: its start, its memory, its speed beside that of a bare program that does the same
//! with nothing around it, what log-in and permissions cost, and how fast it rotates its master key. See `scripts/bench` and
//! docs/performance.md. It judges nothing: machines differ.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot measure has nothing better to do than to end"
)]

mod alone;
mod check;
mod comparison;
mod connection;
mod figure;
mod grpc;
mod inventory;
mod load;
mod policy;
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
    /// The folder of the programs `servertree`, `servertree-bare` and `servertree-open`.
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
    let programs = Programs {
        servertree: folder.join("servertree"),
        bare: folder.join("servertree-bare"),
        open: folder.join("servertree-open"),
    };
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
    let with_bare = || Comparison::with_bare(programs, inventory);
    let by_id = || requests(Kind::ById(ids()));
    match figure {
        Figure::Start => alone::start(programs, inventory, size).await,
        Figure::Find => with_bare().await?.print_ratio("server by id", 0.8, size, by_id).await,
        Figure::List => {
            let list = || requests(Kind::List);
            with_bare().await?.print_ratio("list of 25 by name, counted", 0.8, size, list).await
        }
        Figure::Register => {
            let register = || requests(Kind::Register { credentials: 0 });
            with_bare().await?.print_ratio("server registered", 0.6, size, register).await
        }
        Figure::Authentication => {
            let comparison = Comparison::without_log_in(programs, inventory).await?;
            comparison.print_difference("log-in and permission", 15.0, size, by_id).await
        }
        Figure::Check => check::check(programs, size).await,
        Figure::Grpc => grpc::grpc(programs, size).await,
        Figure::Memory => alone::memory(programs, inventory, size).await,
        Figure::Rotation => rotation::rotation(programs, size).await,
    }
}
