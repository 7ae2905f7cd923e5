//! What time tells. `scripts/soak` runs it: elsewhere nothing is judged by how long it takes.

use std::time::{Duration, Instant};

use serde_json::json;
use servertree_tests::{Service, scale};

/// Attempts at one name: as many as are looked at without a pause.
const ATTEMPTS: usize = 10;
/// At full size, and only then, there is enough to judge by.
const FULL_SIZE: usize = 10;

/// Whoever tries names learns nothing from the time that the refusals take: ranked together, the times of names that somebody
/// has are neither the longer nor the shorter ones.
#[tokio::test]
#[ignore = "it measures time: scripts/soak runs it"]
async fn refusals_take_as_long_for_names_that_nobody_has() {
    let service = Service::builder().set("http.trusted_proxies", r#"["127.0.0.1"]"#).start().await;
    let names = 20 * scale();
    for number in 0..names {
        let user = json!({"username": format!("known-{number}"), "password": "correct horse battery"});
        assert_eq!(service.post("/api/v1/users", &user).await.status, 201);
    }
    let mut times: [Vec<Duration>; 2] = Default::default();
    for attempt in 0..names * ATTEMPTS {
        // In turn, so that whatever else the machine does falls on both.
        for (kind, times) in ["known", "other"].into_iter().zip(&mut times) {
            let body =
                json!({"username": format!("{kind}-{}", attempt % names), "password": "wrong horse battery"});
            let address = format!("198.18.{}.{}", attempt / 250, attempt % 250);
            let request =
                service.anonymous("POST", "/api/v1/account/login").header("X-Forwarded-For", address);
            let since = Instant::now();
            let answer = service.send(request.json(&body)).await;
            let taken = since.elapsed();
            // Names share budgets by a hash, a few of them: what is refused for that is nobody's time.
            if answer.status != 429 {
                answer.problem(401, "wrong_credentials");
                times.push(taken);
            }
        }
    }
    let score = rank_score(&times[0], &times[1]);
    println!("{} times each: the ranks differ by {score:.2} standard deviations", times[0].len());
    if scale() >= FULL_SIZE {
        assert!(score.abs() < 3.3, "one is the slower: {score}");
    }
    service.stop().await;
}

/// By how many standard deviations the ranks of the first differ from what chance gives (Mann and Whitney, 1947).
#[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 timings")]
fn rank_score(first: &[Duration], second: &[Duration]) -> f64 {
    let mut all: Vec<(Duration, bool)> =
        first.iter().map(|time| (*time, true)).chain(second.iter().map(|time| (*time, false))).collect();
    all.sort_unstable();
    let ranks: f64 = all
        .iter()
        .enumerate()
        .filter(|(_, (_, is_first))| *is_first)
        .map(|(rank, _)| rank as f64 + 1.0)
        .sum();
    let (n, m) = (first.len() as f64, second.len() as f64);
    let expected = n * (n + m + 1.0) / 2.0;
    (ranks - expected) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

#[test]
fn ranks_tell_who_is_slower() {
    let times =
        |from: u64| (0..200).map(|number| Duration::from_micros(from + number * 7 % 200)).collect::<Vec<_>>();
    assert!(rank_score(&times(0), &times(0)).abs() < 0.5);
    assert!(rank_score(&times(40), &times(0)) > 3.3);
    assert!(rank_score(&times(0), &times(40)) < -3.3);
}
