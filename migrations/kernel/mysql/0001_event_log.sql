-- Every event that happened, in the transaction that made it happen: outbox and log in one. Kept for ever.
CREATE TABLE IF NOT EXISTS event_log (
    id             BINARY(16)   NOT NULL,
    source         VARCHAR(255) NOT NULL,
    type           VARCHAR(255) NOT NULL,
    subject        BINARY(16)   NOT NULL,
    revision       BIGINT       NOT NULL,
    sequence       BIGINT       NOT NULL,
    schema_version BIGINT       NOT NULL,
    time           BIGINT       NOT NULL,
    actor          TEXT         NOT NULL,
    request_id     VARCHAR(255) NOT NULL,
    traceparent    VARCHAR(255),
    data           LONGTEXT     NOT NULL,
    -- When deliveries were made of it, one for each subscriber that takes it; null: the relay has yet to.
    dispatched_at  BIGINT,
    PRIMARY KEY (id),
    UNIQUE KEY ux_event_log_subject_revision_sequence (subject, revision, sequence),
    -- There is no partial index here: those that are null are next to each other, in the order of their ids.
    KEY ix_event_log_undispatched (dispatched_at, id),
    KEY ix_event_log_type (type, id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
