use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::clock::UuidV7Generator;
use crate::testkit::SettableClock;
use crate::testkit::cache_contract::Subject;

const MINUTE: Duration = Duration::from_secs(60);

/// One whose keys nobody else uses; none: there is no server in this run.
async fn connected(scope: &str, clock: &SettableClock) -> Option<RedisCache> {
    let url = crate::testkit::redis()?;
    let settings = Settings { url, ..Settings::default() };
    let cache = RedisCache::connect(&settings, scope, Arc::new(clock.clone()), Arc::new(UuidV7Generator));
    let cache = cache.await.expect("a cache");
    let deadline = tokio::time::Instant::now() + crate::testkit::DEADLINE;
    while !cache.is_ready() {
        assert!(tokio::time::Instant::now() < deadline, "it is not used");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Some(cache)
}

fn unique() -> String {
    UuidV7Generator.next().to_string()
}

async fn fresh() -> Option<Subject> {
    let clock = SettableClock::default();
    Some(Subject { cache: Arc::new(connected(&unique(), &clock).await?), clock })
}

crate::cache_contract!(if there is: fresh);

async fn get(cache: &RedisCache, value: &'static str) -> String {
    let load = Box::pin(async { Ok(Bytes::from_static(value.as_bytes())) });
    let found = cache.get_or_load(Key::new("key").tagged("tag"), MINUTE, load).await.unwrap();
    String::from_utf8(found.to_vec()).unwrap()
}

#[tokio::test]
async fn what_one_process_read_others_need_not_read() {
    let (scope, clock) = (unique(), SettableClock::default());
    let Some(one) = connected(&scope, &clock).await else { return };
    let other = connected(&scope, &clock).await.unwrap();
    let elsewhere = connected(&unique(), &clock).await.unwrap();
    assert_eq!(get(&one, "first").await, "first");
    assert_eq!(get(&other, "second").await, "first");
    assert_eq!(get(&elsewhere, "third").await, "third", "on another database it may be something else");
    other.invalidate(&["tag".into()]).await.unwrap();
    assert_eq!(get(&one, "fourth").await, "fourth");
    one.clear().await.unwrap();
    assert_eq!(get(&other, "fifth").await, "fifth");
}

/// What a process does not know of was not invalidated by it: it begins with nothing.
#[tokio::test]
async fn a_new_process_begins_with_nothing() {
    let (scope, clock) = (unique(), SettableClock::default());
    let Some(one) = connected(&scope, &clock).await else { return };
    assert_eq!(get(&one, "first").await, "first");
    let other = connected(&scope, &clock).await.unwrap();
    assert_eq!(get(&other, "second").await, "second");
}

/// Many tasks of two processes ask and invalidate at once: nobody gets a value from before an invalidation that they waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_changed_the_source_sees_the_change() {
    let (scope, clock) = (unique(), SettableClock::default());
    let Some(one) = connected(&scope, &clock).await else { return };
    let other = connected(&scope, &clock).await.unwrap();
    let source = Arc::new(AtomicUsize::new(0));
    let tasks = (0..8).map(|number| {
        let cache = if number % 2 == 0 { one.clone() } else { other.clone() };
        let source = Arc::clone(&source);
        tokio::spawn(async move {
            for _ in 0..200 {
                let mine = source.fetch_add(1, Ordering::SeqCst) + 1;
                cache.invalidate(&["source".into()]).await.unwrap();
                let load = Box::pin(async {
                    let read = source.load(Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Ok(Bytes::from(read.to_string()))
                });
                let key = Key::new("key").tagged("source");
                let seen = cache.get_or_load(key, MINUTE, load).await.unwrap();
                let seen: usize = std::str::from_utf8(&seen).unwrap().parse().unwrap();
                assert!(seen >= mine, "{seen} was before {mine}");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}
