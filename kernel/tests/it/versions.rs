//! Old events, read by newer versions of their subscribers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use servertree_kernel::database::Migrations;
use servertree_kernel::event::{Envelope, EventHandler, Start, Subscription, Upcaster};
use servertree_kernel::message::Message;
use servertree_kernel::plugin::{Context, Registered};
use servertree_kernel::problem::{Failure, Internal};
use servertree_kernel::testkit::Testbed;
use servertree_kernel::uow::WriteUow;
use uuid::Uuid;

/// What the subscriber, of which there is one, was told: the name, and the version of the event.
static HEARD: Mutex<Vec<(String, u16)>> = Mutex::new(Vec::new());

/// How often it failed.
static FAILURES: AtomicUsize = AtomicUsize::new(0);

static IS_MENDED: AtomicBool = AtomicBool::new(false);

static LABELS: Context = Context {
    name: "labels",
    summary: "Labels, whose events had a title once, and have a name now",
    migrations: Migrations { owner: "labels", folder: &include_dir::Dir::new("", &[]) },
    routes: |_| {},
    events: &[],
    subscriptions: &[],
    upcasters: &[Upcaster {
        event_type: "labels.printed",
        from: 1,
        upcast: |data| json!({"name": data["title"]}),
    }],
    problems: &[],
    open: &[],
    objects: &[],
    sections: &[],
    secrets: &[],
    register: |_, registry| registry.subscriber::<Printed>(Arc::new(Listener)),
};

inventory::submit! { Registered(&LABELS) }

#[derive(Deserialize)]
struct Printed {
    name: String,
}

impl Subscription for Printed {
    const NAME: &'static str = "labels.listener";
    const EVENTS: &'static [&'static str] = &["labels.printed"];
    const START: Start = Start::Beginning;
    const VERSIONS: &'static [(&'static str, u16)] = &[("labels.printed", 2)];
}

struct Listener;

#[async_trait]
impl EventHandler<Printed> for Listener {
    async fn handle(
        &self,
        data: Printed,
        event: &Envelope,
        _: &mut WriteUow,
        _: &Message,
    ) -> Result<(), Failure> {
        if !IS_MENDED.load(Ordering::SeqCst) {
            FAILURES.fetch_add(1, Ordering::SeqCst);
            return Err(Internal("not yet".to_owned()).into());
        }
        HEARD.lock().unwrap().push((data.name, event.schemaversion));
        Ok(())
    }
}

/// Also one that waits for its next attempt since before.
#[tokio::test]
async fn parked_events_are_brought_up_to_date() {
    let test = Testbed::of(&[&LABELS]).start().await;
    test.publish("labels.printed", Uuid::from_u128(1), 1, json!({"title": "web"})).await;
    test.eventually("it fails", async || (FAILURES.load(Ordering::SeqCst) > 0).then_some(())).await;
    IS_MENDED.store(true, Ordering::SeqCst);
    let heard = async || {
        // The clock stands otherwise.
        test.clock.advance(Duration::from_mins(1));
        HEARD.lock().unwrap().first().cloned()
    };
    assert_eq!(test.eventually("it is taken", heard).await, ("web".to_owned(), 2));
    test.finish().await;
}
