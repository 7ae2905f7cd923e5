//! That use cases keep to the conditions of grants: what each of them comes to on an object that its caller may not see, or not
//! change.

use std::collections::BTreeSet;
use std::pin::Pin;

use super::Testbed;
use crate::command::Command;
use crate::problem::{Failure, Kind};
use crate::query::Query;

type Outcome<'t> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 't>>;

/// A use case that is tried when its outcome is awaited.
pub struct Attempt<'t> {
    /// The name of the use case.
    pub name: &'static str,
    is_query: bool,
    outcome: Outcome<'t>,
}

impl Attempt<'_> {
    /// Tries it.
    pub async fn outcome(self) -> Result<(), Failure> {
        self.outcome.await
    }
}

impl Testbed {
    /// A command to be tried.
    pub fn attempt<C: Command>(&self, command: C) -> Attempt<'_> {
        let outcome = Box::pin(async move { self.dispatch(command).await.map(drop) });
        Attempt { name: C::NAME, is_query: false, outcome }
    }

    /// A query to be tried.
    pub fn attempt_query<Q: Query>(&self, query: Q) -> Attempt<'_> {
        let outcome = Box::pin(async move { self.ask(query).await.map(drop) });
        Attempt { name: Q::NAME, is_query: true, outcome }
    }

    /// Asserts that each use case is among the `attempts`, but for those that are about no object that is there, which `others`
    /// names.
    pub fn assert_each_is_tried(&self, attempts: &[Attempt<'_>], others: &[&'static str]) {
        let tried: BTreeSet<_> = attempts.iter().map(|attempt| attempt.name).collect();
        let named: BTreeSet<_> = tried.union(&others.iter().copied().collect()).copied().collect();
        let all: BTreeSet<_> = self.application.use_cases.iter().map(|use_case| use_case.name).collect();
        assert_eq!(named, all, "a use case is not tried");
    }
}

/// Asserts that what may not be read looks like what is not there: the same use cases, tried on the one and on the other, whose ids
/// these are.
pub async fn assert_hidden(hidden: (&str, Vec<Attempt<'_>>), absent: (&str, Vec<Attempt<'_>>)) {
    let (hidden_id, absent_id) = (hidden.0, absent.0);
    for (hidden, absent) in hidden.1.into_iter().zip(absent.1) {
        let name = hidden.name;
        let (hidden, absent) = (failure(hidden).await, failure(absent).await);
        assert_eq!(hidden.kind(), Kind::NotFound, "{name}");
        let told = hidden.to_string().replace(hidden_id, absent_id);
        assert_eq!((told, hidden.problem()), (absent.to_string(), absent.problem()), "{name}");
    }
}

/// Asserts that queries are answered and commands forbidden.
pub async fn assert_read_only(attempts: Vec<Attempt<'_>>) {
    for attempt in attempts {
        let name = attempt.name;
        let expected = (!attempt.is_query).then_some(Kind::Forbidden);
        assert_eq!(attempt.outcome().await.err().map(|failure| failure.kind()), expected, "{name}");
    }
}

async fn failure(attempt: Attempt<'_>) -> Failure {
    let name = attempt.name;
    attempt.outcome().await.err().unwrap_or_else(|| panic!("{name} is not refused"))
}
