-- What a subscriber has taken, recorded in the transaction of its effect: however often an event arrives, it takes
-- effect once.
CREATE TABLE IF NOT EXISTS event_inbox (
    subscriber VARCHAR(255) NOT NULL,
    event_id   BINARY(16)   NOT NULL,
    taken_at   BIGINT       NOT NULL,
    -- In the place of the primary key, which has no name that says whose it is.
    UNIQUE KEY ux_event_inbox_subscriber_event_id (subscriber, event_id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
