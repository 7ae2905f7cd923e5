//! Attempts, counted in the memory of the process: each replica counts by itself, and a restart begins anew.
//!
//! Budgets are in a fixed number of slots, which keys (accounts, addresses) share by a hash, and not in a map from keys: a
//! stranger makes up as many keys as they like. A map of them grows without bound, or forgets some to make room for others,
//! and then a flood of made-up keys washes out the very budget that is in the attacker's way. Slots are never forgotten
//! and take 2 MiB. Two keys that share one have a single budget, which is stricter, never laxer; the hash is keyed at random
//! in each process, so nobody can aim at whose slot they share.
//!
//! This is why it is not the crate `governor`, whose algorithm it is: its keyed stores are such maps, which somebody has to
//! shrink; it can neither give back nor look without taking; and it takes the time from a clock of its own kind.

mod budget;

use core::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use budget::{Budget, SLOTS, Slot};
use servertree_kernel::domain::{IpAddress, Timestamp};
use shaku::Component;

use crate::domain::{Admitted, Attempt, Attempts};
use crate::error::Error;

const MINUTE: Duration = Duration::from_secs(60);

/// Counts attempts in memory.
#[derive(Component, Default)]
#[shaku(interface = Attempts)]
pub struct MemoryAttempts {
    /// What is left.
    #[shaku(default)]
    budgets: Budgets,
}

/// All that is counted.
pub struct Budgets {
    of_accounts: [Budget; 3],
    of_addresses: Budget,
    of_sites: Budget,
}

/// Which of an account's budgets.
#[derive(Clone, Copy)]
enum Of {
    Strangers,
    KnownAddresses,
    Confirmations,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            of_accounts: std::array::from_fn(|_| Budget::new(10, MINUTE)),
            of_addresses: Budget::new(30, Duration::from_secs(2)),
            of_sites: Budget::new(120, Duration::from_millis(500)),
        }
    }
}

impl MemoryAttempts {
    fn account(&self, of: Of) -> &Budget {
        &self.budgets.of_accounts[of as usize]
    }

    fn take(&self, of: Of, slot: Slot, now: Timestamp) -> Result<Admitted, Duration> {
        self.account(of).take(slot, now)?;
        Ok(Admitted::new((of as usize * SLOTS + slot.0) as u64))
    }

    /// Both budgets have to have something left; else nothing is taken from either.
    fn admit_stranger(
        &self,
        account: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Admitted, Duration> {
        let account = self.account(Of::Strangers).slot(account);
        let Some(address) = address else {
            return self.take(Of::Strangers, account, now);
        };
        let (addresses, sites) = (&self.budgets.of_addresses, &self.budgets.of_sites);
        let (address, site) = (addresses.slot(address), sites.slot(site(address)));
        // The address first: one that has used up its budget does not touch the account's, not even for a moment.
        let or_longer = |wait: Duration| wait.max(self.account(Of::Strangers).wait(account, now));
        addresses.take(address, now).map_err(or_longer)?;
        sites.take(site, now).map_err(or_longer).inspect_err(|_| addresses.give_back(address))?;
        self.take(Of::Strangers, account, now).inspect_err(|_| {
            addresses.give_back(address);
            sites.give_back(site);
        })
    }
}

impl Attempts for MemoryAttempts {
    fn admit(&self, attempt: &Attempt<'_>, now: Timestamp) -> Result<Admitted, Error> {
        let account = attempt.account;
        let admitted = match attempt.address.map(|address| IpAddress::from(address).network().into()) {
            Some(address) if attempt.is_known_address => {
                let slot = self.account(Of::KnownAddresses).slot((account, address));
                self.take(Of::KnownAddresses, slot, now)
            }
            address => self.admit_stranger(account, address, now),
        };
        admitted.map_err(|retry_after| Error::TooManyAttempts { retry_after })
    }

    fn admit_confirmation(&self, account: &str, now: Timestamp) -> Result<Admitted, Error> {
        let slot = self.account(Of::Confirmations).slot(account);
        self.take(Of::Confirmations, slot, now).map_err(|retry_after| Error::TooManyAttempts { retry_after })
    }

    fn succeeded(&self, admitted: Admitted) {
        let ticket = admitted.ticket() as usize;
        if let Some(budget) = self.budgets.of_accounts.get(ticket / SLOTS) {
            budget.give_back(Slot(ticket % SLOTS));
        }
    }
}

/// What a provider gives to whoever asks for more: the first 48 bits of an IPv6 address. An IPv4 address is its own.
fn site(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 80 << 80)),
    }
}

#[cfg(test)]
mod tests;
