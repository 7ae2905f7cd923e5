//! What is remembered, so that a request need not ask the database who asks and what they may. It is looked up when it is
//! needed, and forgotten right after the commit that changed it, before that is answered.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use servertree_kernel::domain::{Timestamp, Uuid};
use servertree_kernel::message::{Caller, Proof};
use shaku::{Component, Interface};

use crate::application::policy::Subject;
use crate::application::remembered::{Forgotten, Remembered};
use crate::application::role_set::{RoleSet, RoleTable};
use crate::domain::{RoleId, UserId};

/// Of each kind so many are remembered; with one more, all of them are forgotten and looked up again.
const CAPACITY: usize = 100_000;

/// Of sets of roles fewer: each takes about a kilobyte, and mostly many users share one.
const SETS: usize = 10_000;

/// Who a token stands for.
#[derive(Clone)]
pub struct Known {
    pub caller: Caller,
    /// Until when that is so.
    pub until: Timestamp,
}

/// A look-up that is under way: what came of it is not remembered if something was forgotten meanwhile.
#[derive(Clone, Copy)]
pub struct Lookup(u64);

/// Remembers, for this context's own adapters.
pub trait Recollection: Interface {
    /// Before something is looked up.
    fn begin(&self) -> Lookup;
    /// Who the token of this digest stands for.
    fn caller(&self, digest: &[u8; 32]) -> Option<Known>;
    /// Remembers that.
    fn remember_caller(&self, lookup: Lookup, digest: [u8; 32], known: Known);
    /// The user of this name.
    fn subject(&self, username: &str) -> Option<Subject>;
    /// Remembers one.
    fn remember_subject(&self, lookup: Lookup, username: Box<str>, subject: Subject);
    /// What a role holds.
    fn role(&self, id: RoleId) -> Option<Arc<RoleTable>>;
    /// Remembers that.
    fn remember_role(&self, lookup: Lookup, role: Arc<RoleTable>);
    /// What these roles hold together.
    fn role_set(&self, ids: &BTreeSet<RoleId>) -> Option<Arc<RoleSet>>;
    /// Remembers that.
    fn remember_role_set(&self, lookup: Lookup, ids: BTreeSet<RoleId>, set: Arc<RoleSet>);
    /// Forgets what changed.
    fn forget(&self, what: Forgotten);
    /// See [`Remembered::changed_here`].
    fn changed_here(&self, number: i64);
    /// See [`Remembered::follow`].
    fn follow(&self, number: i64);
}

/// Remembers in the memory of this process.
#[derive(Component)]
#[shaku(interface = Recollection)]
pub struct Memory {
    #[shaku(default)]
    state: Arc<RwLock<State>>,
}

#[derive(Default)]
pub struct State {
    /// Counts what was forgotten.
    generation: u64,
    callers: HashMap<[u8; 32], Known>,
    /// The digests of what shows a session or a token: few each.
    digests: HashMap<Proof, Vec<[u8; 32]>>,
    subjects: HashMap<Box<str>, Subject>,
    roles: HashMap<RoleId, Arc<RoleTable>>,
    role_sets: HashMap<BTreeSet<RoleId>, Arc<RoleSet>>,
    /// Up to which change others are followed, and which after that were made here.
    followed: i64,
    made_here: BTreeSet<i64>,
}

/// Tells the memory what to forget: what the repositories know of it. (A component has one interface.)
#[derive(Component)]
#[shaku(interface = Remembered)]
pub struct Forgetting {
    #[shaku(inject)]
    memory: Arc<dyn Recollection>,
}

impl Remembered for Forgetting {
    fn forget(&self, what: Forgotten) {
        self.memory.forget(what);
    }

    fn changed_here(&self, number: i64) {
        self.memory.changed_here(number);
    }

    fn follow(&self, number: i64) {
        self.memory.follow(number);
    }
}

impl Memory {
    /// A panic elsewhere leaves nothing half done: each change is one insertion or removal.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, lookup: Lookup, insert: impl FnOnce(&mut State)) {
        let mut state = self.write();
        if state.generation == lookup.0 {
            insert(&mut state);
        }
    }
}

impl Recollection for Memory {
    fn begin(&self) -> Lookup {
        Lookup(self.read().generation)
    }

    fn caller(&self, digest: &[u8; 32]) -> Option<Known> {
        self.read().callers.get(digest).cloned()
    }

    fn remember_caller(&self, lookup: Lookup, digest: [u8; 32], known: Known) {
        self.remember(lookup, |state| {
            if state.callers.len() >= CAPACITY {
                state.callers.clear();
                state.digests.clear();
            }
            if let Some(account) = known.caller.account() {
                state.digests.entry(account.proof).or_default().push(digest);
            }
            state.callers.insert(digest, known);
        });
    }

    fn subject(&self, username: &str) -> Option<Subject> {
        self.read().subjects.get(username).cloned()
    }

    fn remember_subject(&self, lookup: Lookup, username: Box<str>, subject: Subject) {
        self.remember(lookup, |state| insert_bounded(&mut state.subjects, username, subject));
    }

    fn role(&self, id: RoleId) -> Option<Arc<RoleTable>> {
        self.read().roles.get(&id).cloned()
    }

    fn remember_role(&self, lookup: Lookup, role: Arc<RoleTable>) {
        self.remember(lookup, |state| insert_bounded(&mut state.roles, role.id, role));
    }

    fn role_set(&self, ids: &BTreeSet<RoleId>) -> Option<Arc<RoleSet>> {
        self.read().role_sets.get(ids).cloned()
    }

    fn remember_role_set(&self, lookup: Lookup, ids: BTreeSet<RoleId>, set: Arc<RoleSet>) {
        self.remember(lookup, |state| {
            if state.role_sets.len() >= SETS {
                state.role_sets.clear();
                // They would keep the sets that are forgotten.
                state.subjects.clear();
            }
            state.role_sets.insert(ids, set);
        });
    }

    fn forget(&self, what: Forgotten) {
        let mut state = self.write();
        state.generation += 1;
        match what {
            Forgotten::User(user) => {
                state.subjects.retain(|_, subject| subject.id != user);
                state.callers.retain(|_, known| known.user() != Some(user));
                let callers = std::mem::take(&mut state.callers);
                state.digests.retain(|_, digests| digests.iter().any(|digest| callers.contains_key(digest)));
                state.callers = callers;
            }
            Forgotten::Role(role) => {
                state.roles.remove(&role);
                state.role_sets.retain(|ids, _| !ids.contains(&role));
                state.subjects.retain(|_, subject| !subject.roles.contains(role));
            }
            Forgotten::Session(session) => state.forget_proof(Proof::Session(session.into())),
            Forgotten::Token(token) => state.forget_proof(Proof::Token(token.into())),
            Forgotten::All => state.forget_all(),
        }
    }

    fn changed_here(&self, number: i64) {
        self.write().made_here.insert(number);
    }

    fn follow(&self, number: i64) {
        let mut state = self.write();
        // One that went back is that of another database.
        if number < state.followed {
            state.made_here.clear();
        }
        let mut since = state.followed + 1..=number;
        if number < state.followed || !since.all(|change| state.made_here.contains(&change)) {
            state.generation += 1;
            state.forget_all();
        }
        state.followed = number;
        state.made_here = state.made_here.split_off(&(number + 1));
    }
}

impl State {
    fn forget_proof(&mut self, proof: Proof) {
        for digest in self.digests.remove(&proof).into_iter().flatten() {
            self.callers.remove(&digest);
        }
    }

    fn forget_all(&mut self) {
        self.callers.clear();
        self.digests.clear();
        self.subjects.clear();
        self.roles.clear();
        self.role_sets.clear();
    }
}

impl Known {
    fn user(&self) -> Option<UserId> {
        self.caller.account().map(|account| Uuid::into(account.user))
    }
}

fn insert_bounded<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= CAPACITY {
        map.clear();
    }
    map.insert(key, value);
}

#[cfg(test)]
mod tests {
    use servertree_kernel::message::Account;

    use super::*;

    fn known(user: u128, proof: Proof) -> Known {
        let account = Account { user: Uuid::from_u128(user), proof, until: None };
        Known { caller: Caller::with_account("ada".into(), account), until: Timestamp::from_micros(1) }
    }

    fn session(number: u128) -> Proof {
        Proof::Session(Uuid::from_u128(number))
    }

    #[test]
    fn what_ended_is_forgotten_and_nothing_else() {
        let memory = Memory { state: Arc::default() };
        for (digest, user, proof) in [(1, 1, session(1)), (2, 1, session(2)), (3, 2, session(3))] {
            memory.remember_caller(memory.begin(), [digest; 32], known(user, proof));
        }
        let remembered = || [1, 2, 3].map(|digest| memory.caller(&[digest; 32]).is_some());
        memory.forget(Forgotten::Session(Uuid::from_u128(1).into()));
        assert_eq!(remembered(), [false, true, true]);
        memory.forget(Forgotten::Token(Uuid::from_u128(2).into()));
        assert_eq!(remembered(), [false, true, true], "a session is no token");
        memory.forget(Forgotten::User(Uuid::from_u128(1).into()));
        assert_eq!(remembered(), [false, false, true]);
        memory.forget(Forgotten::All);
        assert_eq!(remembered(), [false, false, false]);
    }

    #[test]
    fn what_was_looked_up_before_a_change_is_not_remembered_after_it() {
        let memory = Memory { state: Arc::default() };
        let lookup = memory.begin();
        memory.forget(Forgotten::Session(Uuid::from_u128(9).into()));
        memory.remember_caller(lookup, [1; 32], known(1, session(1)));
        assert!(memory.caller(&[1; 32]).is_none());
        memory.remember_role_set(lookup, BTreeSet::new(), Arc::new(RoleSet::new(Vec::new())));
        assert!(memory.role_set(&BTreeSet::new()).is_none());
    }

    #[test]
    fn sets_of_roles_are_bounded_and_nobody_keeps_what_is_forgotten() {
        let memory = Memory { state: Arc::default() };
        let ids = |number: usize| BTreeSet::from([Uuid::from_u128(number as u128).into()]);
        let roles = Arc::new(RoleSet::new(Vec::new()));
        for number in 0..SETS {
            memory.remember_role_set(memory.begin(), ids(number), Arc::clone(&roles));
        }
        let subject = Subject { id: Uuid::from_u128(1).into(), active: true, roles: Arc::clone(&roles) };
        memory.remember_subject(memory.begin(), "ada".into(), subject);
        assert!(memory.role_set(&ids(0)).is_some() && memory.subject("ada").is_some());
        memory.remember_role_set(memory.begin(), ids(SETS), roles);
        assert!(memory.role_set(&ids(0)).is_none() && memory.subject("ada").is_none());
        assert!(memory.role_set(&ids(SETS)).is_some());
    }

    /// What this process changed it has forgotten by itself; what others changed might be anything.
    #[test]
    fn all_is_forgotten_when_others_changed_something() {
        let memory = Memory { state: Arc::default() };
        let remember = || memory.remember_caller(memory.begin(), [1; 32], known(1, session(1)));
        let remembers = || memory.caller(&[1; 32]).is_some();
        memory.follow(7);
        remember();
        memory.follow(7);
        assert!(remembers(), "nothing changed");
        memory.changed_here(8);
        memory.changed_here(9);
        memory.follow(9);
        assert!(remembers(), "all of it was changed here");
        memory.changed_here(11);
        memory.follow(11);
        assert!(!remembers(), "the tenth was not");
        remember();
        memory.follow(12);
        assert!(!remembers());
        // Not told of in time: looked up once too often, and not counted for a later one.
        memory.changed_here(12);
        remember();
        memory.follow(13);
        assert!(!remembers());
    }

    #[test]
    fn a_role_takes_along_who_has_it() {
        let memory = Memory { state: Arc::default() };
        let role = |number| Arc::new(RoleTable::new(Uuid::from_u128(number).into(), "role", Vec::new()));
        let ids = |number| BTreeSet::from([Uuid::from_u128(number).into()]);
        for (name, number) in [("ada", 1), ("bob", 2)] {
            let role = role(number);
            memory.remember_role(memory.begin(), Arc::clone(&role));
            let roles = Arc::new(RoleSet::new(vec![role]));
            memory.remember_role_set(memory.begin(), ids(number), Arc::clone(&roles));
            let subject = Subject { id: Uuid::from_u128(number).into(), active: true, roles };
            memory.remember_subject(memory.begin(), name.into(), subject);
        }
        memory.forget(Forgotten::Role(Uuid::from_u128(1).into()));
        assert!(memory.subject("ada").is_none() && memory.subject("bob").is_some());
        assert!(memory.role(Uuid::from_u128(1).into()).is_none());
        assert!(memory.role(Uuid::from_u128(2).into()).is_some());
        assert!(memory.role_set(&ids(1)).is_none() && memory.role_set(&ids(2)).is_some());
    }
}
