-- Who works for a subscriber, of several processes on a database: one at a time, for as long as its lease runs.
CREATE TABLE event_leases (
    subscriber   TEXT    NOT NULL PRIMARY KEY,
    -- The process.
    holder       BLOB    NOT NULL,
    leased_until INTEGER NOT NULL,
    -- Raised with each claim: what was claimed before can settle nothing any more.
    fence        INTEGER NOT NULL
) WITHOUT ROWID;
