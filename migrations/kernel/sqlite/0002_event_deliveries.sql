-- One row for each event and subscriber that takes it.
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
    -- When it was delivered or discarded; null: it is open, and holds back what comes after it.
    settled_at      INTEGER,
    PRIMARY KEY (event_id, subscriber)
) WITHOUT ROWID;

-- What is open, oldest first.
CREATE INDEX ix_event_deliveries_open ON event_deliveries (subscriber, settled_at, event_id);

-- What is open of an aggregate, in its order.
CREATE INDEX ix_event_deliveries_order ON event_deliveries (subscriber, settled_at, subject, revision, sequence);
