-- Events that a subscriber took once, and does not take now: what was dispatched until then it has taken. Should it take them again, the
-- record of each of them may be gone.
CREATE TABLE event_former_subscriptions (
    subscriber  TEXT    NOT NULL,
    -- The name of the events; *: all but those that it went on to take.
    events      TEXT    NOT NULL,
    taken_until INTEGER NOT NULL,
    PRIMARY KEY (subscriber, events)
) WITHOUT ROWID;
