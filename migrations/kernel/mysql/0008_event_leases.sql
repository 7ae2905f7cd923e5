-- Who works for a subscriber, of several processes on a database: one at a time, for as long as its lease runs.
CREATE TABLE IF NOT EXISTS event_leases (
    subscriber   VARCHAR(255) NOT NULL,
    -- The process.
    holder       BINARY(16)   NOT NULL,
    leased_until BIGINT       NOT NULL,
    -- Raised with each claim: what was claimed before can settle nothing any more.
    fence        BIGINT       NOT NULL,
    PRIMARY KEY (subscriber)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
