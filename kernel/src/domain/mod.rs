//! The building blocks of a domain: typed ids, value objects, aggregates and the events they record.
//!
//! A context's `domain` uses these and nothing else of the kernel. They are synchronous and pure: time and ids
//! are passed in.

mod aggregate;
mod id;
mod ip_address;
mod secret;
mod timestamp;
mod value;

pub use aggregate::{Aggregate, Change, Changes, Outcome, Precondition, Recorder, Revision};
pub use ip_address::IpAddress;
pub use secret::Secret;
pub use timestamp::Timestamp;
pub use uuid::Uuid;
pub use value::Invalid;

/// What a repository port passes through: the transaction a command runs in. The domain names it and cannot
/// look inside, since it has no statements to give it.
pub use crate::uow::WriteUow;

/// What a port is: a trait that the container can hold an adapter of. Every port has it as its supertrait.
pub use shaku::Interface as Port;
