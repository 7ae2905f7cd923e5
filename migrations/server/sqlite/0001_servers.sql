CREATE TABLE servers (
    id              BLOB    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL,
    -- Names are ASCII, so lower() is all it takes to compare and sort them without regard to case.
    name_key        TEXT    NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
    -- Unique among those not discarded: null, which never equals null, for the others. (MySQL has no partial index.)
    live_name       TEXT             GENERATED ALWAYS AS (CASE WHEN discarded THEN NULL ELSE lower(name) END) STORED,
    cpu_cores       INTEGER NOT NULL,
    ram_mib         INTEGER NOT NULL,
    hdd_mib         INTEGER NOT NULL,
    environment     TEXT    NOT NULL,
    os_name         TEXT    NOT NULL,
    os_version      TEXT    NOT NULL,
    os_architecture TEXT    NOT NULL,
    -- In lower case, made by the program: engines disagree on that of anything but ASCII.
    os_name_key         TEXT NOT NULL,
    os_version_key      TEXT NOT NULL,
    os_architecture_key TEXT NOT NULL,
    -- All that a search looks at, a line each.
    search_key      TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    discarded       INTEGER NOT NULL,
    revision        INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    modified_at     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE UNIQUE INDEX ux_servers_live_name ON servers (live_name);

-- The list by name, and its count.
CREATE INDEX ix_servers_discarded_name_key ON servers (discarded, name_key, id);
