//! What is measured of deliveries.

use metrics_exporter_prometheus::PrometheusBuilder;

use super::super::log::EventLogView;
use super::*;

/// Of what was delivered, what failed, and what is left.
#[tokio::test]
async fn deliveries_are_counted_and_what_is_left_is_looked_up() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _collecting = ::metrics::set_default_local_recorder(&recorder);
    let bench = Bench::new().await;
    let shown = async || {
        EventLogView::new(bench.database.clone()).measure(bench.clock.now()).await;
        let text = recorder.handle().render();
        let value = |metric: &str| {
            let name = format!("servertree_events_{metric}{{subscriber=\"{NAME}\"}} ");
            let value = text.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or("0");
            value.parse::<f64>().unwrap() as i64
        };
        ["delivered_total", "failed_total", "given_up_total", "dead", "backlog", "lag_seconds"].map(value)
    };
    // Events of tests happened at the beginning of time.
    bench.clock.set(crate::domain::Timestamp::from_micros(5_000_000));
    assert_eq!(shown().await, [0, 0, 0, 0, 0, 0]);
    bench.happened(&[(1, 7, 1), (2, 7, 2), (3, 7, 3), (4, 8, 1)]).await;
    assert_eq!(shown().await, [0, 0, 0, 0, 4, 5]);
    let failing = bench.worker(1, second_fails, None);
    bench.drain(&failing).await;
    assert_eq!(shown().await, [2, 1, 0, 0, 2, 5]);
    for _ in 0..2 {
        bench.clock.advance(Duration::from_mins(11));
        bench.drain(&failing).await;
    }
    assert_eq!(shown().await, [2, 1, 1, 1, 1, 0], "the third waits for the dead one");
    bench.happened(&[(5, 9, 1)]).await;
    assert_eq!(shown().await, [2, 1, 1, 1, 2, 5 + 2 * 11 * 60]);
}
