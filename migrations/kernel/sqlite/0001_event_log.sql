-- Every event that happened, in the transaction that made it happen: outbox and log in one. Kept for ever.
CREATE TABLE event_log (
    id             BLOB    NOT NULL PRIMARY KEY,
    source         TEXT    NOT NULL,
    type           TEXT    NOT NULL,
    subject        BLOB    NOT NULL,
    revision       INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    time           INTEGER NOT NULL,
    actor          TEXT    NOT NULL,
    request_id     TEXT    NOT NULL,
    traceparent    TEXT,
    data           TEXT    NOT NULL,
    -- When deliveries were made of it, one for each subscriber that takes it; null: the relay has yet to.
    dispatched_at  INTEGER
);

CREATE UNIQUE INDEX ux_event_log_subject_revision_sequence ON event_log (subject, revision, sequence);

CREATE INDEX ix_event_log_undispatched ON event_log (id) WHERE dispatched_at IS NULL;

CREATE INDEX ix_event_log_type ON event_log (type, id);
