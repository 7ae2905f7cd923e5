-- Events that a subscriber took once, and does not take now: what was dispatched until then it has taken. Should it take them again, the
-- record of each of them may be gone.
CREATE TABLE IF NOT EXISTS event_former_subscriptions (
    subscriber  VARCHAR(255) NOT NULL,
    -- The name of the events; *: all but those that it went on to take.
    events      VARCHAR(255) NOT NULL,
    taken_until BIGINT       NOT NULL,
    PRIMARY KEY (subscriber, events)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
