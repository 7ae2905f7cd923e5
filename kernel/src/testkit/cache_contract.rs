//! What every adapter of the [`Cache`] port must do: `cache_contract!` makes tests of it.
//!
//! Nothing here sleeps. Loads are held at a `Gate` until the test lets them on, and nothing is waited for beyond the
//! deadline.
#![expect(missing_docs, reason = "each rule's name says it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::Semaphore;

use super::{DEADLINE, SettableClock};
use crate::cache::{Cache, Key, Tag};
use crate::problem::{Failure, Problem, ProblemType, UNAVAILABLE};

/// Makes a test of each rule. `$fresh` is an async function that makes an empty [`Subject`]; with `if there is:` before it, one that
/// may have nothing to make it of.
#[macro_export]
macro_rules! cache_contract {
    (if there is: $fresh:path) => {
        $crate::cache_contract! { @ $fresh:
            a_value_is_loaded_once_and_kept
            a_key_is_its_name_and_its_tags
            a_value_is_loaded_anew_when_its_time_is_over
            the_age_of_a_value_counts_from_when_its_load_began
            concurrent_callers_share_one_load
            other_keys_do_not_wait
            a_failure_is_not_kept
            whoever_waits_for_a_load_that_is_given_up_takes_over
            a_load_that_is_given_up_leaves_nothing_behind
            a_load_that_panics_leaves_nothing_behind
            an_invalidation_forgets_what_has_one_of_its_tags
            a_load_that_began_before_an_invalidation_is_not_kept
            nobody_joins_a_load_that_began_before_an_invalidation
            a_load_that_ends_late_does_not_displace_a_later_one
            an_invalidation_of_other_tags_does_not_disturb_a_load
            clearing_forgets_everything
            a_load_that_began_before_clearing_is_not_kept
        }
    };
    ($fresh:path) => {
        async fn fresh_if_there_is() -> Option<$crate::testkit::cache_contract::Subject> {
            Some($fresh().await)
        }
        $crate::cache_contract!(if there is: fresh_if_there_is);
    };
    (@ $fresh:path: $($rule:ident)+) => {
        $(
            #[tokio::test]
            async fn $rule() {
                if let Some(subject) = $fresh().await {
                    $crate::testkit::cache_contract::$rule(subject).await;
                }
            }
        )+
    };
}

/// What is tested.
pub struct Subject {
    /// An empty cache, or one in which nobody else uses these keys and tags.
    pub cache: Arc<dyn Cache>,
    /// The clock that it goes by.
    pub clock: SettableClock,
}

/// No load of this test takes so long.
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Error)]
#[error("the source is away")]
struct Away;

impl Problem for Away {
    fn problem(&self) -> &'static ProblemType {
        &UNAVAILABLE
    }
}

/// Where loads wait, so that a test decides what happens while they run.
struct Gate {
    begun: AtomicUsize,
    started: Semaphore,
    open: Semaphore,
}

impl Gate {
    fn closed() -> Self {
        Self { begun: AtomicUsize::new(0), started: Semaphore::new(0), open: Semaphore::new(0) }
    }

    /// A load that waits at the gate.
    async fn load(&self, value: &'static str) -> Result<Bytes, Failure> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.started.add_permits(1);
        self.open.acquire().await.expect("a gate").forget();
        Ok(Bytes::from_static(value.as_bytes()))
    }

    /// Until a load more is at the gate.
    async fn started(&self) {
        within(self.started.acquire()).await.expect("a gate").forget();
    }

    /// Lets a load through.
    fn open(&self) {
        self.open.add_permits(1);
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }
}

impl Subject {
    /// What is answered, loading `value` if that is asked for.
    async fn get(&self, key: &Key, value: &'static str) -> String {
        let load = Box::pin(async { Ok(Bytes::from_static(value.as_bytes())) });
        text(within(self.cache.get_or_load(key.clone(), MINUTE, load)).await)
    }

    /// What is answered, by a load that waits at the gate.
    async fn get_at(&self, gate: &Gate, key: &Key, value: &'static str) -> String {
        text(within(self.cache.get_or_load(key.clone(), MINUTE, Box::pin(gate.load(value)))).await)
    }

    async fn invalidate(&self, tags: &[&str]) {
        let tags: Vec<Tag> = tags.iter().copied().map(Tag::from).collect();
        within(self.cache.invalidate(&tags)).await.expect("an invalidation");
    }

    async fn clear(&self) {
        within(self.cache.clear()).await.expect("a cache that can be cleared");
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("an answer before the deadline")
}

fn text(answer: Result<Bytes, Failure>) -> String {
    String::from_utf8(answer.expect("a value").to_vec()).expect("UTF-8")
}

fn key() -> Key {
    Key::new("contract.key").tagged("contract.a").tagged("contract.b")
}

pub async fn a_value_is_loaded_once_and_kept(test: Subject) {
    assert_eq!(test.get(&key(), "first").await, "first");
    assert_eq!(test.get(&key(), "second").await, "first");
}

pub async fn a_key_is_its_name_and_its_tags(test: Subject) {
    let other_name = Key::new("contract.other").tagged("contract.a").tagged("contract.b");
    let other_tags = Key::new("contract.key").tagged("contract.a");
    assert_eq!(test.get(&key(), "first").await, "first");
    assert_eq!(test.get(&other_name, "second").await, "second");
    assert_eq!(test.get(&other_tags, "third").await, "third");
    let in_other_order = Key::new("contract.key").tagged("contract.b").tagged("contract.a");
    assert_eq!(test.get(&in_other_order, "fourth").await, "first");
}

pub async fn a_value_is_loaded_anew_when_its_time_is_over(test: Subject) {
    test.get(&key(), "first").await;
    test.clock.advance(MINUTE - Duration::from_micros(1));
    assert_eq!(test.get(&key(), "second").await, "first");
    test.clock.advance(Duration::from_micros(1));
    assert_eq!(test.get(&key(), "third").await, "third");
    assert_eq!(test.get(&key(), "fourth").await, "third");
}

pub async fn the_age_of_a_value_counts_from_when_its_load_began(test: Subject) {
    let (gate, key) = (Gate::closed(), key());
    let meanwhile = async {
        gate.started().await;
        test.clock.advance(MINUTE);
        gate.open();
    };
    let (first, ()) = tokio::join!(test.get_at(&gate, &key, "first"), meanwhile);
    assert_eq!(first, "first");
    assert_eq!(test.get(&key, "second").await, "second");
}

pub async fn concurrent_callers_share_one_load(test: Subject) {
    let (gate, key) = (Gate::closed(), key());
    let waiting = async {
        gate.started().await;
        let meanwhile = async { gate.open() };
        let (second, third, ()) =
            tokio::join!(test.get_at(&gate, &key, "second"), test.get_at(&gate, &key, "third"), meanwhile);
        (second, third)
    };
    let (first, (second, third)) = tokio::join!(test.get_at(&gate, &key, "first"), waiting);
    assert_eq!([first, second, third], ["first"; 3]);
    assert_eq!(gate.begun(), 1);
}

pub async fn other_keys_do_not_wait(test: Subject) {
    let (gate, key) = (Gate::closed(), key());
    let meanwhile = async {
        gate.started().await;
        let other = Key::new("contract.other").tagged("contract.a");
        assert_eq!(test.get(&other, "other").await, "other");
        gate.open();
    };
    let (first, ()) = tokio::join!(test.get_at(&gate, &key, "first"), meanwhile);
    assert_eq!(first, "first");
}

pub async fn a_failure_is_not_kept(test: Subject) {
    let failing = Box::pin(async { Err(Away.into()) });
    let failure = within(test.cache.get_or_load(key(), MINUTE, failing)).await.expect_err("a failure");
    assert!(failure.downcast_ref::<Away>().is_some(), "{failure:?}");
    assert_eq!(test.get(&key(), "second").await, "second");
    assert_eq!(test.get(&key(), "third").await, "second");
}

pub async fn whoever_waits_for_a_load_that_is_given_up_takes_over(test: Subject) {
    let (gate, key) = (Gate::closed(), key());
    let mut first = Box::pin(test.get_at(&gate, &key, "first"));
    tokio::select! {
        _ = &mut first => panic!("a load went through a gate that is closed"),
        () = gate.started() => {}
    }
    let giving_up = async {
        drop(first);
        gate.started().await;
        gate.open();
    };
    let (second, third, ()) =
        tokio::join!(test.get_at(&gate, &key, "second"), test.get_at(&gate, &key, "third"), giving_up);
    assert_eq!(second, third);
    assert_eq!(gate.begun(), 2);
}

pub async fn a_load_that_is_given_up_leaves_nothing_behind(test: Subject) {
    let (gate, key) = (Gate::closed(), key());
    tokio::select! {
        _ = test.get_at(&gate, &key, "first") => panic!("a load went through a gate that is closed"),
        () = gate.started() => {}
    }
    assert_eq!(test.get(&key, "second").await, "second");
    assert_eq!(test.get(&key, "third").await, "second");
}

pub async fn a_load_that_panics_leaves_nothing_behind(test: Subject) {
    let (gate, key) = (Arc::new(Gate::closed()), key());
    let panicking = {
        let (cache, gate, key) = (Arc::clone(&test.cache), Arc::clone(&gate), key.clone());
        tokio::spawn(async move {
            let load = Box::pin(async {
                gate.load("never").await?;
                panic!("a load that panics, as the test wants")
            });
            cache.get_or_load(key, MINUTE, load).await.map(drop)
        })
    };
    gate.started().await;
    let (waiting, ()) = tokio::join!(test.get(&key, "second"), async { gate.open() });
    assert_eq!(waiting, "second");
    assert!(within(panicking).await.expect_err("a panic").is_panic());
    assert_eq!(test.get(&key, "third").await, "second");
}

pub async fn an_invalidation_forgets_what_has_one_of_its_tags(test: Subject) {
    let other = Key::new("contract.other").tagged("contract.c");
    let untagged = Key::new("contract.untagged");
    for key in [&key(), &other, &untagged] {
        test.get(key, "first").await;
    }
    test.invalidate(&["contract.b", "contract.d"]).await;
    assert_eq!(test.get(&key(), "second").await, "second");
    assert_eq!(test.get(&key(), "third").await, "second");
    assert_eq!(test.get(&other, "second").await, "first");
    assert_eq!(test.get(&untagged, "second").await, "first");
    test.invalidate(&[]).await;
    assert_eq!(test.get(&key(), "third").await, "second");
}

pub async fn a_load_that_began_before_an_invalidation_is_not_kept(test: Subject) {
    let (gate, key) = (Gate::closed(), key());
    let meanwhile = async {
        gate.started().await;
        test.invalidate(&["contract.a"]).await;
        gate.open();
    };
    let (first, ()) = tokio::join!(test.get_at(&gate, &key, "first"), meanwhile);
    assert_eq!(first, "first", "who asked before gets what was loaded");
    assert_eq!(test.get(&key, "second").await, "second");
    assert_eq!(test.get(&key, "third").await, "second");
}

pub async fn nobody_joins_a_load_that_began_before_an_invalidation(test: Subject) {
    let (gate, key) = (Gate::closed(), key());
    let meanwhile = async {
        gate.started().await;
        test.invalidate(&["contract.a"]).await;
        // The first is at its gate all the while.
        assert_eq!(test.get(&key, "second").await, "second");
        gate.open();
    };
    let (first, ()) = tokio::join!(test.get_at(&gate, &key, "first"), meanwhile);
    assert_eq!(first, "first");
}

pub async fn a_load_that_ends_late_does_not_displace_a_later_one(test: Subject) {
    let (gate, key) = (Gate::closed(), key());
    let meanwhile = async {
        gate.started().await;
        test.invalidate(&["contract.a"]).await;
        test.get(&key, "second").await;
        gate.open();
    };
    tokio::join!(test.get_at(&gate, &key, "first"), meanwhile);
    assert_eq!(test.get(&key, "third").await, "second");
}

pub async fn an_invalidation_of_other_tags_does_not_disturb_a_load(test: Subject) {
    let (gate, key) = (Gate::closed(), key());
    let meanwhile = async {
        gate.started().await;
        test.invalidate(&["contract.c"]).await;
        gate.open();
    };
    tokio::join!(test.get_at(&gate, &key, "first"), meanwhile);
    assert_eq!(test.get(&key, "second").await, "first");
}

pub async fn clearing_forgets_everything(test: Subject) {
    let untagged = Key::new("contract.untagged");
    for key in [&key(), &untagged] {
        test.get(key, "first").await;
    }
    test.clear().await;
    for key in [&key(), &untagged] {
        assert_eq!(test.get(key, "second").await, "second");
        assert_eq!(test.get(key, "third").await, "second");
    }
}

pub async fn a_load_that_began_before_clearing_is_not_kept(test: Subject) {
    let (gate, key) = (Gate::closed(), Key::new("contract.untagged"));
    let meanwhile = async {
        gate.started().await;
        test.clear().await;
        assert_eq!(test.get(&key, "second").await, "second");
        gate.open();
    };
    let (first, ()) = tokio::join!(test.get_at(&gate, &key, "first"), meanwhile);
    assert_eq!(first, "first");
    assert_eq!(test.get(&key, "third").await, "second");
}
