-- Deliveries that somebody gave up, and why.
CREATE TABLE IF NOT EXISTS event_discards (
    event_id     BINARY(16)   NOT NULL,
    subscriber   VARCHAR(255) NOT NULL,
    discarded_at BIGINT       NOT NULL,
    actor        TEXT         NOT NULL,
    reason       TEXT         NOT NULL,
    PRIMARY KEY (event_id, subscriber)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
