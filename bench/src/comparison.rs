//! ServerTree beside the bare program: the same requests, to the one and to the other in turn, so that whatever else the
//! machine does falls on both.

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

/// Both programs, each on a copy of the same inventory.
pub struct Comparison {
    servertree: Measured,
    bare: Measured,
}

impl Comparison {
    pub fn start(programs: &Programs, inventory: &Inventory) -> io::Result<Self> {
        Ok(Self { servertree: inventory.servertree(programs)?, bare: inventory.bare(programs)? })
    }

    /// Rounds with the one and with the other; prints what came of them.
    pub async fn run(
        &self,
        figure: &str,
        aim: f64,
        size: &Size,
        requests: impl Fn() -> Requests,
    ) -> io::Result<()> {
        let mut sides = [&self.servertree, &self.bare].map(|measured| Side::new(measured, requests()));
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
        let [ours, limit] = sides.each_ref().map(|side| median(&side.per_second));
        let ratio = ratio(&sides[0].per_second, &sides[1].per_second);
        println!("| {figure}, requests/s | {ours:.0} | {limit:.0} | {ratio} | ≥ {aim} |");
        let [ours, limit] = sides.each_ref().map(Side::processor_micros);
        println!("| {figure}, processor µs a request | {ours:.0} | {limit:.0} | {:.2} | |", limit / ours);
        Ok(())
    }
}

/// One of the two, and what was measured of it.
struct Side<'m> {
    measured: &'m Measured,
    requests: Arc<Requests>,
    per_second: Vec<f64>,
    answered: usize,
    processor_time: Duration,
}

impl<'m> Side<'m> {
    fn new(measured: &'m Measured, requests: Requests) -> Self {
        let requests = Arc::new(requests);
        Self { measured, requests, per_second: Vec::new(), answered: 0, processor_time: Duration::ZERO }
    }

    /// The answer to the first request, without what differs.
    async fn first_answer(&self) -> io::Result<Value> {
        let mut request = Vec::new();
        let expected = self.requests.write_next(&mut request);
        let mut connection = Connection::open(self.measured.program.address).await?;
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
        let answered = load(program.address, &self.requests, Amount::For(duration)).await?;
        if counts {
            self.per_second.push(answered.per_second);
            self.answered += answered.requests;
            self.processor_time += program.processor_time() - before;
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 requests")]
    fn processor_micros(&self) -> f64 {
        self.processor_time.as_secs_f64() * 1e6 / self.answered as f64
    }
}

/// Each round beside the one of the other program that followed it, so that what slows the machine for a while slows both: the
/// median of the ratios, and between what the middle half of them lies. Where that is wide, the machine had other things to do.
fn ratio(ours: &[f64], limit: &[f64]) -> String {
    let mut ratios: Vec<f64> = ours.iter().zip(limit).map(|(ours, limit)| ours / limit).collect();
    ratios.sort_by(f64::total_cmp);
    let [low, middle, high] = [1, 2, 3].map(|quarters| ratios[(ratios.len() - 1) * quarters / 4]);
    format!("{middle:.2} ({low:.2} to {high:.2})")
}
