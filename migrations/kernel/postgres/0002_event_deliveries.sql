-- One row for each event and subscriber that takes it.
CREATE TABLE event_deliveries (
    subscriber      TEXT COLLATE "C" NOT NULL,
    event_id        UUID             NOT NULL,
    subject         UUID             NOT NULL,
    revision        BIGINT           NOT NULL,
    sequence        BIGINT           NOT NULL,
    state           TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'dead', 'discarded')),
    attempts        BIGINT           NOT NULL DEFAULT 0,
    -- Due from then on; 0: at once, whatever the clock says.
    next_attempt_at BIGINT           NOT NULL DEFAULT 0,
    -- Who claims it raises the fence; an older claim can no longer settle it.
    leased_until    BIGINT,
    fence           BIGINT           NOT NULL DEFAULT 0,
    last_error      TEXT COLLATE "C",
    -- When it was delivered or discarded; null: it is open, and holds back what comes after it.
    settled_at      BIGINT,
    CONSTRAINT pk_event_deliveries PRIMARY KEY (event_id, subscriber),
    CONSTRAINT fk_event_deliveries_event_id FOREIGN KEY (event_id) REFERENCES event_log (id)
);

-- What is open, oldest first.
CREATE INDEX ix_event_deliveries_open ON event_deliveries (subscriber, settled_at, event_id);

-- What is open of an aggregate, in its order.
CREATE INDEX ix_event_deliveries_order ON event_deliveries (subscriber, settled_at, subject, revision, sequence);
