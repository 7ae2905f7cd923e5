//! A histogram of the program's, as `/metrics` shows it.

use std::io;

use crate::connection::Connection;
use crate::program::Program;
use crate::requests::get;

/// How many took at most as long, by that: the upper bounds of the buckets, in seconds.
pub struct Histogram(Vec<(f64, f64)>);

impl Histogram {
    /// The one of this name whose series has these labels. It is empty before anything was measured.
    pub async fn scrape(program: &Program, name: &str, labels: &str) -> io::Result<Self> {
        let mut connection = Connection::open(program.address).await?;
        let answer = connection.ask(get("/metrics", &program.token).as_bytes()).await?;
        let text = std::str::from_utf8(answer.body).map_err(io::Error::other)?;
        if answer.status != 200 {
            return Err(io::Error::other(format!("/metrics answers {}: {text}", answer.status)));
        }
        let prefix = format!("{name}_bucket{{{labels},le=\"");
        let bucket = |line: &str| {
            let (bound, count) = line.strip_prefix(&prefix)?.split_once("\"} ")?;
            Some((bound.parse().ok()?, count.parse().ok()?))
        };
        Ok(Self(text.lines().filter_map(bucket).collect()))
    }

    /// What was measured after an earlier look.
    pub fn since(self, before: &Self) -> Self {
        let counted =
            |bound: f64| before.0.iter().find(|(other, _)| *other == bound).map_or(0.0, |(_, n)| *n);
        Self(self.0.into_iter().map(|(bound, count)| (bound, count - counted(bound))).collect())
    }

    /// How much was measured.
    pub fn count(&self) -> f64 {
        self.0.last().map_or(0.0, |(_, count)| *count)
    }

    /// The seconds that so many of a hundred took at most, on a straight line from one bound of their bucket to the other: it is
    /// not known where in it they lie. Beyond the last bound: infinity.
    pub fn percentile(&self, percent: f64) -> f64 {
        let wanted = self.count() * percent / 100.0;
        let mut below = (0.0, 0.0);
        for (bound, count) in self.0.iter().copied() {
            if count >= wanted && count > below.1 {
                let (from, already) = below;
                return from + (bound - from) * (wanted - already) / (count - already);
            }
            below = (bound, count);
        }
        f64::NAN
    }
}
