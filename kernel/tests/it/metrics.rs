//! What the kernel measures of commands, queries and the database, as whoever collects it sees it.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use metrics_exporter_prometheus::PrometheusBuilder;
use servertree_kernel::testkit::{DenyAll, Testbed};

use crate::notes::{End, NOTES, NeverAnswered, NotesWritten, WriteAmidOthers, WriteNotes};

/// The lines of a text that begin so, without what is after a space: the series with their values.
fn lines(text: &str, beginning: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        text.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn commands_are_counted_by_how_they_end() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _collecting = metrics::set_default_local_recorder(&recorder);
    let test = Testbed::of(&[&NOTES]).start().await;
    for revision in 1..=3 {
        test.dispatch(WriteNotes::on(1, revision)).await.unwrap();
    }
    for end in [End::InError, End::InPanic] {
        test.dispatch(WriteNotes { end, ..WriteNotes::on(2, 1) }).await.unwrap_err();
    }
    test.dispatch(WriteAmidOthers::times(2, WriteNotes::on(3, 1))).await.unwrap();
    let test = Testbed::of(&[&NOTES]).after(test.stop().await).permissions(DenyAll).start().await;
    test.dispatch(WriteNotes::on(4, 1)).await.unwrap_err();
    let text = recorder.handle().render();
    let command = |name: &str, rest: &str| format!("{{context=\"notes\",command=\"notes.{name}\"{rest}}}");
    let write = |outcome: &str| command("write_notes", &format!(",outcome=\"{outcome}\""));
    let amid = command("write_amid_others", ",outcome=\"ok\"");
    assert_eq!(
        lines(&text, "servertree_commands_total"),
        [
            format!("servertree_commands_total{amid} 1"),
            format!("servertree_commands_total{} 2", write("failed")),
            format!("servertree_commands_total{} 3", write("ok")),
            format!("servertree_commands_total{} 1", write("refused")),
        ]
    );
    assert_eq!(
        lines(&text, "servertree_command_retries_total"),
        [
            format!("servertree_command_retries_total{} 2", command("write_amid_others", "")),
            format!("servertree_command_retries_total{} 0", command("write_notes", "")),
        ]
    );
    let count = format!("servertree_command_duration_seconds_count{} 3", write("ok"));
    assert!(text.lines().any(|line| line == count), "{text}");
    test.finish().await;
}

#[tokio::test]
async fn queries_are_counted_also_when_nobody_waits_for_them() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _collecting = metrics::set_default_local_recorder(&recorder);
    let test = Testbed::of(&[&NOTES]).start().await;
    test.ask(NotesWritten).await.unwrap();
    {
        let mut ask = pin!(test.ask(NeverAnswered));
        assert!(matches!(ask.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    }
    let text = recorder.handle().render();
    let query = |name: &str, outcome: &str| {
        format!(
            "servertree_queries_total{{context=\"notes\",query=\"notes.{name}\",outcome=\"{outcome}\"}} 1"
        )
    };
    let expected = [query("never_answered", "cancelled"), query("notes_written", "ok")];
    assert_eq!(lines(&text, "servertree_queries_total"), expected);
    test.finish().await;
}

#[tokio::test]
async fn the_database_is_looked_at_when_somebody_asks() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _collecting = metrics::set_default_local_recorder(&recorder);
    let test = Testbed::of(&[&NOTES]).start().await;
    test.quiet_database().await;
    let statements = test.database.statements();
    test.application.measure().await;
    let text = recorder.handle().render();
    assert_eq!(
        lines(&text, "servertree_database_statements_total"),
        [format!("servertree_database_statements_total {statements}")]
    );
    for pool in ["read", "write"] {
        let of = |name: &str| lines(&text, &format!("servertree_database_connection{name}{{pool=\"{pool}\""));
        assert_eq!(of("_waiters"), [format!("servertree_database_connection_waiters{{pool=\"{pool}\"}} 0")]);
        assert_eq!(of("_limit").len(), 1);
        let in_use = format!("servertree_database_connections{{pool=\"{pool}\",state=\"in_use\"}} 0");
        assert_eq!(of("s").len(), 2);
        assert!(of("s").contains(&in_use), "{text}");
    }
    test.stop().await;
}
