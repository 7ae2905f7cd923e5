-- Deliveries that somebody gave up, and why.
CREATE TABLE event_discards (
    event_id     BLOB    NOT NULL,
    subscriber   TEXT    NOT NULL,
    discarded_at INTEGER NOT NULL,
    actor        TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    PRIMARY KEY (event_id, subscriber)
) WITHOUT ROWID;
