//! ServerTree beside another program, which is the bare one or ServerTree with other settings: the same requests, to the one and
//! to the other in turn, so that whatever else the machine does falls on both.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::connection::Connection;
use crate::figure::{Size, median};
use crate::inventory::{Inventory, Measured, Programs};
use crate::load::{Amount, load};
use crate::requests::Requests;

/// Between two rounds: for what a program does after it answered, such as dispatching events.
const SETTLE: Duration = Duration::from_millis(200);

/// What differs though the programs do the same.
const ITS_OWN: [&str; 4] = ["id", "created_at", "modified_at", "next_cursor"];

/// Without the context that knows accounts and roles, but with the one that lets everybody do everything.
const WITHOUT_LOG_IN: &[(&str, &str)] =
    &[("SERVERTREE_CONTEXTS__ENABLED", r#"["application","open","server"]"#)];

/// Without what is kept of what was read.
const WITHOUT_CACHE: &[(&str, &str)] = &[("SERVERTREE_CACHE__SIZE", "0")];

/// Both programs, each on a copy of the same inventory, or on one as large.
pub struct Comparison {
    servertree: Measured,
    other: Measured,
}

impl Comparison {
    /// Beside the bare program, which has an inventory of its own, or the same. It keeps nothing of what it read: neither does
    /// ServerTree here.
    pub async fn with_bare(programs: &Programs, ours: &Inventory, its: &Inventory) -> io::Result<Self> {
        Self::start(ours.servertree(programs, WITHOUT_CACHE)?, its.bare(programs)?).await
    }

    /// Beside ServerTree without the cache.
    pub async fn without_cache(programs: &Programs, inventory: &Inventory) -> io::Result<Self> {
        let other = inventory.servertree(programs, WITHOUT_CACHE)?;
        Self::of_ours(inventory.servertree(programs, &[])?, other).await
    }

    /// Beside ServerTree without log-in.
    pub async fn without_log_in(programs: &Programs, inventory: &Inventory) -> io::Result<Self> {
        let other = inventory.open(programs, WITHOUT_LOG_IN)?;
        Self::start(inventory.servertree(programs, &[])?, other).await
    }

    /// ServerTree twice: somebody logs in to each.
    pub async fn of_ours(mut servertree: Measured, mut other: Measured) -> io::Result<Self> {
        servertree.log_in().await?;
        other.log_in().await?;
        Ok(Self { servertree, other })
    }

    async fn start(mut servertree: Measured, mut other: Measured) -> io::Result<Self> {
        servertree.log_in().await?;
        // It asks nobody who they are, but gets the same bytes.
        other.program.token = Arc::clone(&servertree.program.token);
        Ok(Self { servertree, other })
    }

    /// Prints how much of the limit, which is the other program, ServerTree reaches.
    pub async fn print_ratio(
        &self,
        figure: &str,
        aim: &str,
        size: &Size,
        requests: impl Fn() -> Requests,
    ) -> io::Result<()> {
        let sides = self.rounds(figure, size, requests).await?;
        let [ours, limit] = sides.each_ref().map(|side| median(&side.per_second));
        let [low, middle, high] =
            sides[0].beside(&sides[1], |side| &side.per_second, |ours, limit| ours / limit);
        println!(
            "| {figure}, requests/s | {ours:.0} | {limit:.0} | {middle:.2} ({low:.2} to {high:.2}) | {aim} |"
        );
        let [ours, limit] = sides.each_ref().map(Side::processor_micros);
        println!("| {figure}, processor µs a request | {ours:.0} | {limit:.0} | {:.2} | |", limit / ours);
        Ok(())
    }

    /// Prints what a request costs more than with the other program.
    pub async fn print_difference(
        &self,
        figure: &str,
        aim: f64,
        size: &Size,
        requests: impl Fn() -> Requests,
    ) -> io::Result<()> {
        let sides = self.rounds(figure, size, requests).await?;
        let [low, middle, high] =
            sides[0].beside(&sides[1], |side| &side.micros, |ours, others| ours - others);
        let [ours, others] = sides.each_ref().map(Side::processor_micros);
        println!(
            "| {figure}, processor µs a request | {middle:.1} ({low:.1} to {high:.1}): {ours:.0} with, {others:.0} without \
             | | | ≤ {aim} |"
        );
        Ok(())
    }

    /// Rounds with the one and with the other.
    async fn rounds(
        &self,
        figure: &str,
        size: &Size,
        requests: impl Fn() -> Requests,
    ) -> io::Result<[Side<'_>; 2]> {
        let mut sides = [&self.servertree, &self.other].map(|measured| Side::new(measured, requests()));
        let answers = [sides[0].first_answer().await?, sides[1].first_answer().await?];
        assert_eq!(answers[0], answers[1], "what answers differently cannot be compared");
        // The first round warms up: caches, prepared statements.
        for round in 0..=size.rounds {
            eprintln!("{figure}: round {round} of {} …", size.rounds);
            for side in &mut sides {
                tokio::time::sleep(SETTLE).await;
                side.round(size.round, round > 0).await?;
            }
        }
        Ok(sides)
    }
}

/// One of the two, and what was measured of it: by round, and in all.
struct Side<'m> {
    measured: &'m Measured,
    requests: Arc<Requests>,
    per_second: Vec<f64>,
    micros: Vec<f64>,
    answered: usize,
    processor_time: Duration,
}

impl<'m> Side<'m> {
    fn new(measured: &'m Measured, requests: Requests) -> Self {
        let requests = Arc::new(requests);
        let (per_second, micros) = (Vec::new(), Vec::new());
        Self { measured, requests, per_second, micros, answered: 0, processor_time: Duration::ZERO }
    }

    /// The answer to the first request, without what differs.
    async fn first_answer(&self) -> io::Result<Value> {
        let mut request = Vec::new();
        let program = &self.measured.program;
        let expected = self.requests.write_next(&program.token, &mut request);
        let mut connection = Connection::open(program.address).await?;
        let answer = connection.ask(&request).await?;
        assert_eq!(answer.status, expected, "{}", String::from_utf8_lossy(answer.body));
        let mut json: Value = serde_json::from_slice(answer.body)?;
        for field in ITS_OWN {
            json[field] = Value::Null;
        }
        Ok(json)
    }

    async fn round(&mut self, duration: Duration, counts: bool) -> io::Result<()> {
        let program = &self.measured.program;
        let before = program.processor_time();
        let answered = load(program, &self.requests, Amount::For(duration)).await?;
        if counts {
            let took = program.processor_time() - before;
            self.per_second.push(answered.per_second);
            self.micros.push(micros_each(took, answered.requests));
            self.answered += answered.requests;
            self.processor_time += took;
        }
        Ok(())
    }

    fn processor_micros(&self) -> f64 {
        micros_each(self.processor_time, self.answered)
    }

    /// Each round beside the one of the other program that followed it, so that what slows the machine for a while slows both:
    /// the median of what comes of the two, and between what the middle half lies. Where that is wide, the machine had other
    /// things to do.
    fn beside(
        &self,
        other: &Self,
        of_rounds: impl Fn(&Self) -> &[f64],
        compare: impl Fn(f64, f64) -> f64,
    ) -> [f64; 3] {
        let pairs = of_rounds(self).iter().zip(of_rounds(other));
        let mut compared: Vec<f64> = pairs.map(|(ours, others)| compare(*ours, *others)).collect();
        compared.sort_by(f64::total_cmp);
        [1, 2, 3].map(|quarters| compared[(compared.len() - 1) * quarters / 4])
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 requests")]
fn micros_each(time: Duration, requests: usize) -> f64 {
    time.as_secs_f64() * 1e6 / requests as f64
}
