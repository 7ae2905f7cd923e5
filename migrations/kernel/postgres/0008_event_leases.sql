-- Who works for a subscriber, of several processes on a database: one at a time, for as long as its lease runs.
CREATE TABLE event_leases (
    subscriber   TEXT COLLATE "C" NOT NULL,
    -- The process.
    holder       UUID             NOT NULL,
    leased_until BIGINT           NOT NULL,
    -- Raised with each claim: what was claimed before can settle nothing any more.
    fence        BIGINT           NOT NULL,
    CONSTRAINT pk_event_leases PRIMARY KEY (subscriber)
);
