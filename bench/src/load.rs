//! Load: connections that ask one request after the other, as fast as they are answered; or requests at a steady rate, however
//! they are answered.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::program::Program;
use crate::requests::Requests;

/// As many as keep two processors busy, and no more than a service behind a proxy has.
const CONNECTIONS: usize = 16;

/// No load takes as long: whatever does has got stuck.
const GIVE_UP_AFTER: Duration = Duration::from_secs(600);

/// How long a connection that nobody uses is kept: less than a program does.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// How much is asked.
#[derive(Clone, Copy)]
pub enum Amount {
    For(Duration),
    Requests(usize),
}

/// What was answered, every time with the right status.
pub struct Answered {
    pub requests: usize,
    pub per_second: f64,
}

/// Asks `program` `amount` of `requests`. Anything but the right answer ends it.
#[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 requests")]
pub async fn load(program: &Program, requests: &Arc<Requests>, amount: Amount) -> io::Result<Answered> {
    let begun = Arc::new(AtomicUsize::new(0));
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(program.address).await?);
    }
    let since = Instant::now();
    let mut tasks = JoinSet::new();
    for connection in connections {
        let (requests, begun) = (Arc::clone(requests), Arc::clone(&begun));
        let goes_on = move || match amount {
            Amount::For(duration) => since.elapsed() < duration,
            Amount::Requests(number) => begun.fetch_add(1, Ordering::Relaxed) < number,
        };
        tasks.spawn(ask(connection, Arc::clone(&program.token), requests, goes_on));
    }
    let all = tokio::time::timeout(GIVE_UP_AFTER, tasks.join_all()).await?;
    let answered: Vec<usize> = all.into_iter().collect::<io::Result<_>>()?;
    let requests = answered.iter().sum();
    Ok(Answered { requests, per_second: requests as f64 / since.elapsed().as_secs_f64() })
}

/// Asks so many `requests` in each second, for as long; answers how many that were. Each is sent when it is due: where the
/// earlier ones are not answered yet, by another connection.
pub async fn steady(
    program: &Program,
    requests: &Arc<Requests>,
    per_second: u32,
    duration: Duration,
) -> io::Result<usize> {
    let idle: Arc<Mutex<Vec<(Connection, Instant)>>> = Arc::default();
    let mut tasks = JoinSet::new();
    let mut due = tokio::time::interval(Duration::from_secs(1) / per_second);
    for _ in 0..(duration.as_secs_f64() * f64::from(per_second)) as usize {
        due.tick().await;
        let (address, token) = (program.address, Arc::clone(&program.token));
        let (requests, idle) = (Arc::clone(requests), Arc::clone(&idle));
        tasks.spawn(async move {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match kept {
                Some((connection, since)) if since.elapsed() < KEPT_FOR => connection,
                _ => Connection::open(address).await?,
            };
            ask_one(&mut connection, &token, &requests, &mut Vec::new()).await?;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
            io::Result::Ok(())
        });
    }
    let all = tokio::time::timeout(GIVE_UP_AFTER, tasks.join_all()).await?;
    let answered: Vec<()> = all.into_iter().collect::<io::Result<_>>()?;
    Ok(answered.len())
}

async fn ask(
    mut connection: Connection,
    token: Arc<str>,
    requests: Arc<Requests>,
    goes_on: impl Fn() -> bool,
) -> io::Result<usize> {
    let mut request = Vec::new();
    let mut answered = 0;
    while goes_on() {
        ask_one(&mut connection, &token, &requests, &mut request).await?;
        answered += 1;
    }
    Ok(answered)
}

async fn ask_one(
    connection: &mut Connection,
    token: &str,
    requests: &Requests,
    request: &mut Vec<u8>,
) -> io::Result<()> {
    let expected = requests.write_next(token, request);
    let answer = connection.ask(request).await?;
    if answer.status == expected {
        return Ok(());
    }
    let (request, body) = (String::from_utf8_lossy(request), String::from_utf8_lossy(answer.body));
    Err(io::Error::other(format!("{request}\nwas answered {}\n{body}", answer.status)))
}
