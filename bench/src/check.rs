//! Decisions about permissions, as a context asks for them: in this process, where a request would be handled.

use std::hint::black_box;
use std::io;
use std::iter::repeat_n;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use servertree_authorization as _;
// For its allocator.
use servertree_host as _;
use servertree_kernel::database::{Database, Settings};
use servertree_kernel::message::Caller;
use servertree_kernel::permission::{Permission, PermissionChecker, PermissionSlot};
use servertree_kernel::plugin::{Application, Context, Parts};
use servertree_kernel::testkit::{DenyAll, kernel};
use servertree_server as _;

use crate::figure::{Size, median, percentile};
use crate::inventory::Programs;
use crate::policy::{Policy, Question};
use crate::program::resident_mib;

/// Decisions that are timed together: one alone takes about as long as to look at the clock.
const BATCH: usize = 100;

/// A question as a handler has it: whom, what, and the object as JSON.
struct Asked {
    caller: Caller,
    permission: Permission,
    object: Value,
    allowed: bool,
}

/// How long a decision takes, and the memory that all of them need.
pub async fn check(programs: &Programs, size: &Size) -> io::Result<()> {
    let policy = Policy::make(programs, size.policy).await?;
    let callers: Vec<Caller> = policy.usernames().map(|username| Caller::named(&username)).collect();
    let application = assemble(&policy).await;
    let permissions = &application.permissions;
    let before = resident_mib(std::process::id());
    for caller in &callers {
        permissions.grants(caller, &[Permission::new("read", "server")]).await.expect("grants");
    }
    let taken = resident_mib(std::process::id()) - before;

    eprintln!("Deciding …");
    let mut micros = Vec::new();
    for batch in 0..size.batches {
        let asked: Vec<Asked> =
            (0..BATCH).map(|nth| policy.question(batch * BATCH + nth)).map(Asked::from).collect();
        micros.push(decide(permissions, asked.iter()).await);
    }
    let mut hot = Vec::new();
    for number in 0..size.batches {
        let asked = Asked::from(policy.question(number));
        hot.push(decide(permissions, repeat_n(&asked, BATCH)).await);
    }
    let users = size.policy.users;
    let (middle, slow) = (median(&micros), percentile(&micros, 99));
    println!("| decision about a permission, in process, µs | {middle:.2} (p99 {slow:.2}) | | | ≤ 1 |");
    let (middle, slow) = (median(&hot), percentile(&hot, 99));
    println!("| the same, one user asked again and again, µs | {middle:.2} (p99 {slow:.2}) | | | |");
    println!("| memory for all decisions about {users} users, MiB | {taken:.1} | | | ≤ 60 |");
    Ok(())
}

/// How long each took, in microseconds.
#[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 decisions")]
async fn decide<'a>(
    permissions: &Arc<dyn PermissionChecker>,
    asked: impl ExactSizeIterator<Item = &'a Asked> + Clone,
) -> f64 {
    let mut allowed = Vec::with_capacity(asked.len());
    let since = Instant::now();
    for question in asked.clone() {
        let grants = permissions.grants(&question.caller, &[question.permission]).await.expect("grants");
        allowed.push(black_box(grants[0].covering(&question.object)).is_some());
    }
    let took = since.elapsed();
    let expected = asked.clone().map(|question| question.allowed);
    assert!(expected.eq(allowed), "decisions that are wrong cannot be measured");
    took.as_secs_f64() * 1e6 / asked.len() as f64
}

/// The contexts on the database of the policy, as the program has them.
async fn assemble(policy: &Policy) -> Application {
    let database = Database::connect_existing(&Settings::default(), &policy.database()).await;
    let database = database.expect("the database of the policy");
    let permissions = PermissionSlot::empty();
    let contexts = ["authorization", "server"].map(str::to_owned);
    Application::assemble(Parts {
        contexts: Context::enabled(&contexts).expect("contexts that are linked into this program"),
        kernel: kernel(permissions.clone(), database.clone()),
        permissions,
        fallback_permissions: Arc::new(DenyAll),
        fallback_verifier: None,
        database,
        runtime: tokio::runtime::Handle::current(),
    })
    .expect("contexts that fit together")
}

impl From<Question> for Asked {
    fn from(question: Question) -> Self {
        let Question { subject, permission, environment, allowed } = question;
        Self { caller: Caller::named(&subject), permission, object: server(&environment), allowed }
    }
}

/// As conditions get to see it.
fn server(environment: &str) -> Value {
    json!({
        "id": "0198c5a6-0000-7000-8000-000000000001",
        "name": "web-prod-fra1-000001.example.net",
        "cpu_cores": 4,
        "ram_mib": 8_192,
        "hdd_mib": 102_400,
        "environment": environment,
        "operating_system": {"name": "Debian", "version": "12", "architecture": "x86_64"},
        "status": "stopped",
        "credentials": [],
        "applications": [],
        "discarded": false,
        "revision": 1,
        "created_at": "2026-01-01T00:00:00Z",
        "modified_at": "2026-01-01T00:00:00Z",
    })
}
