//! Attempts at passwords, and how many there may be: guessing is slowed down, and does not keep the owner out.

// Not `std::net`, which has sockets, too.
use core::net::IpAddr;
use std::fmt;

use servertree_kernel::domain::{Port, Timestamp};

use crate::error::Error;

/// A log-in, or another check of a password by somebody who is not known yet.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// The username as it was given, in lower case, whether anybody has it or not.
    pub account: &'a str,
    /// Where it comes from, if that is known.
    pub address: Option<IpAddr>,
    /// Whether the account has logged in from there before.
    pub is_known_address: bool,
}

/// People type passwords, or names, into the field for names: none is shown.
impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("address", &self.address)
            .field("is_known_address", &self.is_known_address)
            .finish_non_exhaustive()
    }
}

/// Leave to try a password. What it took stays taken unless it is handed back as [`Attempts::succeeded`]; so it is not
/// `Clone`.
#[derive(PartialEq, Eq, Debug)]
pub struct Admitted(u64);

impl Admitted {
    /// With what its maker needs to know of it.
    pub fn new(ticket: u64) -> Self {
        Self(ticket)
    }

    /// What its maker wanted to know.
    pub fn ticket(&self) -> u64 {
        self.0
    }
}

/// Counts attempts against budgets, before anything is hashed. What is refused is
/// [`Error::TooManyAttempts`] with the exact time until one is admitted, and took nothing.
///
/// | budget of | at once | then one every |
/// |---|---|---|
/// | an account, from addresses that are not known | 10 | minute |
/// | an account and an address that is known | 10 | minute |
/// | an address, over all accounts, where it is not known | 30 | 2 seconds |
/// | the first 48 bits of an IPv6 address, likewise | 120 | half a second |
/// | an account whose current password is confirmed | 10 | minute |
///
/// An account that nobody has is counted like one that somebody has, so nothing tells them apart. `now` is the time of asking:
/// not that of a request which has waited since.
pub trait Attempts: Port {
    /// Goes on only if there is budget left, and takes from it.
    fn admit(&self, attempt: &Attempt<'_>, now: Timestamp) -> Result<Admitted, Error>;

    /// Goes on only if somebody who is logged in may have their current password checked once more.
    fn admit_confirmation(&self, account: &str, now: Timestamp) -> Result<Admitted, Error>;

    /// The password was right: gives back what was taken from the account's budget. The address's stays taken: many accounts
    /// of one's own would else make room to guess those of others.
    fn succeeded(&self, admitted: Admitted);
}
