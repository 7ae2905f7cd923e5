-- One row for each event and subscriber that takes it. Pruned when delivered.
CREATE TABLE event_deliveries (
    subscriber      TEXT    NOT NULL,
    event_id        BLOB    NOT NULL REFERENCES event_log (id),
    subject         BLOB    NOT NULL,
    revision        INTEGER NOT NULL,
    sequence        INTEGER NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'dead', 'discarded')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    -- Due from then on; 0: at once, whatever the clock says.
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    -- Who claims it raises the fence; an older claim can no longer settle it.
    leased_until    INTEGER,
    fence           INTEGER NOT NULL DEFAULT 0,
    last_error      TEXT,
    settled_at      INTEGER,
    PRIMARY KEY (subscriber, event_id)
) WITHOUT ROWID;

-- What is due, and what holds it back: earlier ones of the same aggregate that are not settled.
CREATE INDEX ix_event_deliveries_open ON event_deliveries (subscriber, subject, revision, sequence)
    WHERE state IN ('pending', 'failed', 'dead');
