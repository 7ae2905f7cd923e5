-- What a subscriber has taken, recorded in the transaction of its effect: however often an event arrives, it takes
-- effect once.
CREATE TABLE event_inbox (
    subscriber TEXT COLLATE "C" NOT NULL,
    event_id   UUID             NOT NULL,
    taken_at   BIGINT           NOT NULL,
    CONSTRAINT ux_event_inbox_subscriber_event_id PRIMARY KEY (subscriber, event_id)
);
