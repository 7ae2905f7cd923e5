//! What is to be measured, as the command line says.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::engine::Engine;
use crate::figure::Figure;

/// What to measure, and where.
#[derive(Parser)]
pub struct Arguments {
    /// The folder of the programs `servertree`, `servertree-bare` and `servertree-open`.
    pub programs: PathBuf,
    /// Measure next to nothing: only to see that it can be measured.
    #[arg(long)]
    pub smoke: bool,
    /// Measure only these.
    #[arg(long, value_enum)]
    only: Vec<Figure>,
    /// Measure on these what is measured by engine.
    #[arg(long, value_enum, default_values_t = [Engine::Sqlite])]
    engine: Vec<Engine>,
}

impl Arguments {
    /// What is to be measured on an engine. What is measured on SQLite alone is left out where others are named, unless it is
    /// named as well.
    pub fn figures(&self, engine: Engine) -> Vec<Figure> {
        let wanted = |figure: &Figure| match (self.engine.contains(&engine), figure.is_by_engine()) {
            (named, true) => named && (self.only.is_empty() || self.only.contains(figure)),
            (named, false) if engine == Engine::Sqlite => {
                self.only.contains(figure) || named && self.only.is_empty()
            }
            (_, false) => false,
        };
        Figure::value_variants().iter().copied().filter(wanted).collect()
    }
}
