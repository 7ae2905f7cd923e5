-- Every event that happened, in the transaction that made it happen: outbox and log in one. Kept for ever.
CREATE TABLE event_log (
    id             UUID             NOT NULL,
    source         TEXT COLLATE "C" NOT NULL,
    type           TEXT COLLATE "C" NOT NULL,
    subject        UUID             NOT NULL,
    revision       BIGINT           NOT NULL,
    sequence       BIGINT           NOT NULL,
    schema_version BIGINT           NOT NULL,
    time           BIGINT           NOT NULL,
    actor          TEXT COLLATE "C" NOT NULL,
    request_id     TEXT COLLATE "C" NOT NULL,
    traceparent    TEXT COLLATE "C",
    data           TEXT COLLATE "C" NOT NULL,
    -- When deliveries were made of it, one for each subscriber that takes it; null: the relay has yet to.
    dispatched_at  BIGINT,
    CONSTRAINT pk_event_log PRIMARY KEY (id)
);

CREATE UNIQUE INDEX ux_event_log_subject_revision_sequence ON event_log (subject, revision, sequence);

CREATE INDEX ix_event_log_undispatched ON event_log (id) WHERE dispatched_at IS NULL;

CREATE INDEX ix_event_log_type ON event_log (type, id);
