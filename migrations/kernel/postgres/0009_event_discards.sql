-- Deliveries that somebody gave up, and why.
CREATE TABLE event_discards (
    event_id     UUID             NOT NULL,
    subscriber   TEXT COLLATE "C" NOT NULL,
    discarded_at BIGINT           NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    reason       TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_event_discards PRIMARY KEY (event_id, subscriber)
);
