//! What was answered a moment ago.

use std::hash::Hash;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;

use crate::problem::Failure;

/// How long an answer is good for. What changes in the other process is in effect here within that time.
pub const REMEMBERED: Duration = Duration::from_secs(1);

/// Answers at most.
const CAPACITY: u64 = 100_000;

/// Remembers answers for a moment, counted from when they were asked for. Those who ask the same at once share one answer;
/// failures are not remembered.
pub(super) struct Memory<K, A> {
    answers: Cache<K, Answer<A>>,
}

#[derive(Clone)]
struct Answer<A> {
    answer: A,
    asked: Instant,
}

struct GoodFor(Duration);

impl<K, A> Expiry<K, Answer<A>> for GoodFor {
    fn expire_after_create(&self, _: &K, answer: &Answer<A>, created: Instant) -> Option<Duration> {
        Some(self.0.saturating_sub(created.saturating_duration_since(answer.asked)))
    }
}

impl<K: Hash + Eq + Send + Sync + 'static, A: Clone + Send + Sync + 'static> Memory<K, A> {
    pub fn new(good_for: Duration) -> Self {
        Self { answers: Cache::builder().max_capacity(CAPACITY).expire_after(GoodFor(good_for)).build() }
    }

    /// The answer for `key`, as it was a moment ago, or else as `ask` gives it.
    pub async fn recall(&self, key: K, ask: impl Future<Output = Result<A, Failure>>) -> Result<A, Failure> {
        let asked = Instant::now();
        let answer = async { Ok(Answer { answer: ask.await?, asked }) };
        let known = self.answers.try_get_with(key, answer).await;
        known.map(|known| known.answer).map_err(|failure: std::sync::Arc<Failure>| (*failure).clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::problem::Internal;

    async fn ask(memory: &Memory<u8, usize>, asked: &AtomicUsize) -> usize {
        memory.recall(1, async { Ok(asked.fetch_add(1, Ordering::SeqCst)) }).await.unwrap()
    }

    #[tokio::test]
    async fn an_answer_is_good_for_a_moment() {
        let (memory, asked) = (Memory::new(Duration::from_secs(3600)), AtomicUsize::new(0));
        assert_eq!((ask(&memory, &asked).await, ask(&memory, &asked).await), (0, 0));
        let (memory, asked) = (Memory::new(Duration::ZERO), AtomicUsize::new(0));
        assert_eq!((ask(&memory, &asked).await, ask(&memory, &asked).await), (0, 1));
    }

    #[tokio::test]
    async fn the_moment_begins_with_the_question() {
        let (memory, asked) = (Memory::new(Duration::from_millis(20)), AtomicUsize::new(1));
        let slow = async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            Ok(0)
        };
        assert_eq!(memory.recall(1, slow).await.unwrap(), 0);
        assert_eq!(ask(&memory, &asked).await, 1);
    }

    #[tokio::test]
    async fn failures_are_not_remembered() {
        let (memory, asked) = (Memory::new(Duration::from_secs(3600)), AtomicUsize::new(0));
        let failing = async { Err(Internal("no".to_owned()).into()) };
        assert!(memory.recall(1, failing).await.is_err());
        assert_eq!(ask(&memory, &asked).await, 0);
    }
}
