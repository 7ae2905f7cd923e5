//! The database engine that a run of the tests is about.

use std::io::Write;

use uuid::Uuid;

use crate::database::Engine;

impl Engine {
    /// The one that is tested: `TEST_ENGINE`, which `scripts/test` sets, or SQLite.
    pub fn under_test() -> Self {
        let name = variable("TEST_ENGINE").filter(|name| !name.is_empty());
        let name = name.as_deref().unwrap_or(Self::Sqlite.folder());
        Self::named(name)
            .unwrap_or_else(|| panic!("TEST_ENGINE is {name}, and not sqlite, mysql or postgres"))
    }

    /// The one that a URL is of.
    pub(super) fn of(url: &str) -> Self {
        let scheme = url.split(':').next().unwrap_or_default();
        Self::named(scheme).unwrap_or_else(|| panic!("a URL of no engine: {scheme}"))
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.folder() == name)
    }

    /// An id as a statement names it.
    pub fn literal(self, id: Uuid) -> String {
        match self {
            Self::Sqlite | Self::MySql => format!("x'{}'", id.simple()),
            Self::Postgres => format!("'{id}'"),
        }
    }
}

/// Whether this run is about `engine`. A test of what only one engine has, or that no engine has a part in, returns where this is
/// false; `scripts/test` says how many did.
pub fn only_on(engine: Engine) -> bool {
    Engine::under_test() == engine || left_out()
}

/// Whether this run is about another engine; as [`only_on`].
pub fn not_on(engine: Engine) -> bool {
    Engine::under_test() != engine || left_out()
}

/// Whether this run is about an engine that is a server; as [`only_on`].
pub fn on_a_server() -> bool {
    not_on(Engine::Sqlite)
}

/// The broker of the run, for an administrator, where it is about MariaDB: tests of what comes and goes by a broker are carried out
/// there. As [`only_on`].
pub fn broker() -> Option<String> {
    let url = only_on(Engine::MySql).then(broker_of_services)?;
    if url.is_none() {
        left_out();
    }
    url
}

/// The broker that services are given in this run, if they are.
pub fn broker_of_services() -> Option<String> {
    let is_production = Engine::under_test() == Engine::MySql;
    variable("TEST_AMQP_URL").filter(|url| is_production && !url.is_empty())
}

/// The Redis of the run, where it is about MariaDB. As [`only_on`].
pub fn redis() -> Option<String> {
    let url = only_on(Engine::MySql).then(redis_of_services)?;
    if url.is_none() {
        left_out();
    }
    url
}

/// The Redis that services are given in this run, if they are.
pub fn redis_of_services() -> Option<String> {
    let is_production = Engine::under_test() == Engine::MySql;
    variable("TEST_REDIS_URL").filter(|url| is_production && !url.is_empty())
}

/// The file of the authority that certified the servers of the run. A run on somebody else's servers may have none: then what it
/// is needed for is left out.
pub fn tls_authority() -> Option<String> {
    let authority = variable("TEST_TLS_CA").filter(|file| !file.is_empty());
    if authority.is_none() {
        left_out();
    }
    authority
}

/// Notes in the file `TEST_LEFT_OUT` that this test is not carried out. Always false.
fn left_out() -> bool {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    if let Some(file) = variable("TEST_LEFT_OUT") {
        let file = std::fs::File::options().create(true).append(true).open(file);
        // One write for each line: tests run side by side.
        file.and_then(|mut file| file.write_all(format!("{test}\n").as_bytes()))
            .expect("the file TEST_LEFT_OUT");
    }
    false
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
