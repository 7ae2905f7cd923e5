-- One row for each event and subscriber that takes it.
CREATE TABLE IF NOT EXISTS event_deliveries (
    subscriber      VARCHAR(255) NOT NULL,
    event_id        BINARY(16)   NOT NULL,
    subject         BINARY(16)   NOT NULL,
    revision        BIGINT       NOT NULL,
    sequence        BIGINT       NOT NULL,
    state           VARCHAR(32)  NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'dead', 'discarded')),
    attempts        BIGINT       NOT NULL DEFAULT 0,
    -- Due from then on; 0: at once, whatever the clock says.
    next_attempt_at BIGINT       NOT NULL DEFAULT 0,
    -- Who claims it raises the fence; an older claim can no longer settle it.
    leased_until    BIGINT,
    fence           BIGINT       NOT NULL DEFAULT 0,
    last_error      MEDIUMTEXT,
    -- When it was delivered or discarded; null: it is open, and holds back what comes after it.
    settled_at      BIGINT,
    PRIMARY KEY (event_id, subscriber),
    -- What is open, oldest first.
    KEY ix_event_deliveries_open (subscriber, settled_at, event_id),
    -- What is open of an aggregate, in its order.
    KEY ix_event_deliveries_order (subscriber, settled_at, subject, revision, sequence),
    CONSTRAINT fk_event_deliveries_event_id FOREIGN KEY (event_id) REFERENCES event_log (id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
