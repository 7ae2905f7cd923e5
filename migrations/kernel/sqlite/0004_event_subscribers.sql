-- Subscribers that were seen before: a new one decides once where in the log it starts.
CREATE TABLE event_subscribers (
    name          TEXT    NOT NULL PRIMARY KEY,
    registered_at INTEGER NOT NULL
) WITHOUT ROWID;
