//! What is measured of the bridge.

use metrics::{counter, describe_counter, describe_gauge, gauge};

/// Whether there is a connection to the broker.
const CONNECTED: &str = "servertree_bus_connected";
/// Whether the broker takes nothing, for want of memory or disk.
const BLOCKED: &str = "servertree_bus_blocked";
/// Events that the broker confirmed, and somebody was bound for.
const PUBLISHED: &str = "servertree_bus_published_total";
/// Events that nobody was bound for, by `event`.
const UNROUTABLE: &str = "servertree_bus_unroutable_total";
/// Events of other services that came, by `context`.
const RECEIVED: &str = "servertree_bus_received_total";
/// Messages that were set aside, by `context`.
const SET_ASIDE: &str = "servertree_bus_set_aside_total";
/// Whether there is a consumer, by `context`.
const CONSUMING: &str = "servertree_bus_consuming";

/// Says of each what it means.
pub fn describe() {
    describe_gauge!(CONNECTED, "Whether there is a connection to the broker: 1 or 0.");
    describe_gauge!(BLOCKED, "Whether the broker takes no events, for want of memory or disk: 1 or 0.");
    describe_counter!(PUBLISHED, "Events that the broker confirmed, and that somebody was bound for.");
    describe_counter!(UNROUTABLE, "Events that nobody at the broker was bound for.");
    describe_counter!(RECEIVED, "Events of other services that came.");
    describe_counter!(
        SET_ASIDE,
        "Messages that were set aside, since nobody here can make anything of them."
    );
    describe_gauge!(
        CONSUMING,
        "Whether the consumer of a context is there, at work or waiting for its turn: 1 or 0."
    );
}

pub fn connected(is_connected: bool) {
    gauge!(CONNECTED).set(f64::from(u8::from(is_connected)));
}

pub fn blocked(is_blocked: bool) {
    gauge!(BLOCKED).set(f64::from(u8::from(is_blocked)));
}

pub fn published() {
    counter!(PUBLISHED).increment(1);
}

pub fn unroutable(event: &str) {
    counter!(UNROUTABLE, "event" => event.to_owned()).increment(1);
}

pub fn received(context: &'static str, count: usize) {
    counter!(RECEIVED, "context" => context).increment(count as u64);
}

pub fn set_aside(context: &str) {
    counter!(SET_ASIDE, "context" => context.to_owned()).increment(1);
}

pub fn consuming(context: &'static str, is_consuming: bool) {
    gauge!(CONSUMING, "context" => context).set(f64::from(u8::from(is_consuming)));
}
