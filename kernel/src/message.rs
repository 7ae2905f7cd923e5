//! What travels with every command, query and event: who asks, in which request, when.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::Timestamp;
use crate::permission::Access;

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    kind: CallerKind,
    subject: Arc<str>,
    account: Option<Account>,
}

/// The account of a caller, and how they showed that it is theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Account {
    /// The user's id.
    pub user: Uuid,
    /// By what it was shown.
    pub proof: Proof,
    /// Until when that counts, where it can be renewed.
    pub until: Option<Timestamp>,
}

/// By what a caller showed who they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Proof {
    /// They logged in: the id of the session.
    Session(Uuid),
    /// A token for programs: its id.
    Token(Uuid),
}

/// Part of who it is: nobody becomes the local operator by taking its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CallerKind {
    Anonymous,
    LocalOperator,
    Known,
    /// With a token that is good for queries only.
    ReadOnly,
}

impl Caller {
    /// A subject by its name, as events and logs show it.
    pub fn named(subject: &str) -> Self {
        Self { kind: CallerKind::Known, subject: subject.into(), account: None }
    }

    /// Somebody with an account.
    pub fn with_account(subject: Arc<str>, account: Account) -> Self {
        Self { kind: CallerKind::Known, subject, account: Some(account) }
    }

    /// The service itself: what it does without being asked.
    pub fn service() -> Self {
        Self::named("servertree")
    }

    /// Somebody who has not said who they are.
    pub fn anonymous() -> Self {
        Self { kind: CallerKind::Anonymous, ..Self::named("anonymous") }
    }

    /// Whoever works on the machine itself: the only caller as long as no context knows any.
    pub fn local_operator() -> Self {
        Self { kind: CallerKind::LocalOperator, ..Self::named("local-operator") }
    }

    /// The same, but with a token that is good for queries only.
    pub fn read_only(self) -> Self {
        Self { kind: CallerKind::ReadOnly, ..self }
    }

    /// Whether commands are refused.
    pub fn is_read_only(&self) -> bool {
        self.kind == CallerKind::ReadOnly
    }

    /// Whether it is whoever works on the machine itself.
    pub fn is_local_operator(&self) -> bool {
        self.kind == CallerKind::LocalOperator
    }

    /// The account, if the caller has one.
    pub fn account(&self) -> Option<Account> {
        self.account
    }

    /// The name of the subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject)
    }
}

/// The id of a request: in its answer, its log lines, its events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes an id from outside if it is sane: 1 to 128 of `A-Z a-z 0-9 . _ -`, so that it can stand in a log
    /// line or a header as it is.
    pub fn parse(text: &str) -> Option<Self> {
        let sane = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        ((1..=128).contains(&text.len()) && text.bytes().all(sane)).then(|| Self(text.into()))
    }

    /// Of what is done without a request.
    pub(crate) fn of_job(name: &'static str) -> Self {
        Self(name.into())
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<uuid::Uuid> for RequestId {
    fn from(uuid: uuid::Uuid) -> Self {
        Self(uuid.to_string().into())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A W3C `traceparent`, carried along unchanged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceParent(Arc<str>);

impl TraceParent {
    /// Takes a `traceparent` of version 00 (<https://www.w3.org/TR/trace-context/#traceparent-header>).
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let parts: Vec<&str> = text.split('-').collect();
        let [version, trace, parent, flags] = parts.as_slice() else {
            return None;
        };
        let sound = *version == "00" && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
        let zero = |part: &str| part.bytes().all(|b| b == b'0');
        (sound && !zero(trace) && !zero(parent)).then(|| Self(text.into()))
    }

    /// The text as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What travels with a command or query to its handler.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who asks.
    pub caller: Caller,
    /// In which request.
    pub request_id: RequestId,
    /// As part of which trace.
    pub traceparent: Option<TraceParent>,
    /// When it was dispatched: the time of everything that happens because of it.
    pub now: Timestamp,
    /// From where, if it came over a network.
    pub address: Option<IpAddr>,
    /// What the caller may do, as the bus found out: nothing before that.
    pub access: Access,
}

impl Message {
    /// A message on its way to a bus.
    pub fn new(
        caller: Caller,
        request_id: RequestId,
        traceparent: Option<TraceParent>,
        now: Timestamp,
    ) -> Self {
        let access = Access::none(&caller);
        Self { caller, request_id, traceparent, now, address: None, access }
    }

    /// The same, from this address.
    pub fn from(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_from_outside_must_be_sane() {
        assert!(RequestId::parse("deploy-42_a.b").is_some());
        for bad in ["", "a b", "a\nb", "ü", &"a".repeat(129)] {
            assert!(RequestId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn traceparents_are_checked() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert!(TraceParent::parse(&format!("00-{trace}-00f067aa0ba902b7-01")).is_some());
        for bad in ["", "00-1-2-3", &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), "ü-ü-ü-ü"] {
            assert!(TraceParent::parse(bad).is_none(), "{bad}");
        }
    }
}
