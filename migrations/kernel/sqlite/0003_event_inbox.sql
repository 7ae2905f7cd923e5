-- What a subscriber has taken, recorded in the transaction of its effect: however often an event arrives, it takes
-- effect once.
CREATE TABLE event_inbox (
    subscriber TEXT    NOT NULL,
    event_id   BLOB    NOT NULL,
    taken_at   INTEGER NOT NULL,
    PRIMARY KEY (subscriber, event_id)
) WITHOUT ROWID;
