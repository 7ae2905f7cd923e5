-- Events that a subscriber took once, and does not take now: what was dispatched until then it has taken. Should it take them again, the
-- record of each of them may be gone.
CREATE TABLE event_former_subscriptions (
    subscriber  TEXT COLLATE "C" NOT NULL,
    -- The name of the events; *: all but those that it went on to take.
    events      TEXT COLLATE "C" NOT NULL,
    taken_until BIGINT           NOT NULL,
    CONSTRAINT pk_event_former_subscriptions PRIMARY KEY (subscriber, events)
);
