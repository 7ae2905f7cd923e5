//! Events that nobody caused, written straight into the log: through the API, a million would take an hour.

use servertree_kernel::clock::{Clock, IdGenerator, SystemClock, UuidV7Generator};
use servertree_kernel::testkit::TestConnection;

/// The subscriber that takes these events, of the context of servers; its table has a row for each of them.
pub const SUBSCRIBER: &str = "server.applications";
const TABLE: &str = "server_applications";

/// A subscriber that no process runs.
const ABSENT: &str = "bench.absent";

/// Events written by one statement, and in one transaction.
const STATEMENT: usize = 1_000;
const TRANSACTION: usize = 100_000;

/// The log in the database of a ServerTree.
pub struct EventLog(TestConnection);

impl EventLog {
    pub async fn open(url: &str) -> Self {
        Self(TestConnection::open(url).await)
    }

    pub async fn close(self) {
        self.0.close().await;
    }

    /// Applications were registered, so many, and nobody has heard of it.
    pub async fn write(&mut self, events: usize) {
        self.insert(events, "NULL").await;
    }

    /// The same, but it was dispatched: to a subscriber of what happens to applications and servers, which is away.
    pub async fn write_for_absent(&mut self, events: usize) {
        let register = format!(
            "INSERT INTO event_subscribers (name, events, registered_at) \
             VALUES ('{ABSENT}', '[\"application.registered\", \"server.registered\"]', 0)"
        );
        self.0.execute(&register).await;
        self.insert(events, "1").await;
        eprintln!("Making {events} deliveries …");
        let deliver = format!(
            "INSERT INTO event_deliveries (subscriber, event_id, subject, revision, sequence, state) \
             SELECT '{ABSENT}', id, subject, revision, sequence, 'pending' FROM event_log \
             WHERE type = 'application.registered' ORDER BY id"
        );
        assert_eq!(self.0.execute(&deliver).await, events as u64, "deliveries");
    }

    /// How many of the events the subscriber has taken.
    pub async fn taken(&mut self) -> usize {
        self.count(&format!("SELECT COUNT(*) FROM event_inbox WHERE subscriber = '{SUBSCRIBER}'")).await
    }

    /// Whether there is nothing left to dispatch, nor to deliver. Looks at the first of either only: whoever looks is in the way.
    pub async fn is_drained(&mut self) -> bool {
        let first = |what: &str| format!("SELECT COUNT(*) FROM (SELECT 1 AS one FROM {what} LIMIT 1) found");
        let undispatched = first("event_log WHERE dispatched_at IS NULL");
        let open =
            first(&format!("event_deliveries WHERE subscriber = '{SUBSCRIBER}' AND settled_at IS NULL"));
        self.count(&undispatched).await == 0 && self.count(&open).await == 0
    }

    /// Each of the events had its effect, and is known to have had it.
    pub async fn assert_drained(&mut self, events: usize) {
        let delivered = format!(
            "SELECT COUNT(*) FROM event_deliveries WHERE subscriber = '{SUBSCRIBER}' AND state = 'delivered'"
        );
        let applications = format!("SELECT COUNT(*) FROM {TABLE}");
        let counted = [self.taken().await, self.count(&delivered).await, self.count(&applications).await];
        assert_eq!(counted, [events; 3], "taken, delivered, in the table of the subscriber");
    }

    async fn insert(&mut self, events: usize, dispatched_at: &str) {
        let (ids, time, engine) = (UuidV7Generator, SystemClock.now().as_micros(), self.0.engine());
        for first in (0..events).step_by(STATEMENT) {
            if first.is_multiple_of(TRANSACTION) {
                eprintln!("Writing events: {first} of {events} …");
                self.0.execute("BEGIN").await;
            }
            let last = events.min(first + STATEMENT);
            let rows: Vec<String> = (first..last)
                .map(|number| {
                    let [id, subject] = [(); 2].map(|()| engine.literal(ids.next()));
                    format!(
                        "({id}, '/servertree/application', 'application.registered', {subject}, 1, 0, 1, {time}, 'admin', \
                         'bench', '{{\"name\":\"application-{number}\",\"version\":\"1.27\",\"architect\":\"web team\"}}', \
                         {dispatched_at})"
                    )
                })
                .collect();
            let insert = format!(
                "INSERT INTO event_log (id, source, type, subject, revision, sequence, schema_version, time, actor, \
                 request_id, data, dispatched_at) VALUES {}",
                rows.join(", ")
            );
            self.0.execute(&insert).await;
            if last.is_multiple_of(TRANSACTION) || last == events {
                self.0.execute("COMMIT").await;
            }
        }
    }

    async fn count(&mut self, sql: &str) -> usize {
        usize::try_from(self.0.count(sql).await).unwrap_or_default()
    }
}
