CREATE TABLE applications (
    id            BLOB    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    version       TEXT    NOT NULL,
    architect     TEXT    NOT NULL,
    -- In lower case, made by the program: engines disagree on that of anything but ASCII.
    name_key      TEXT    NOT NULL,
    version_key   TEXT    NOT NULL,
    architect_key TEXT    NOT NULL,
    -- All that a search looks at, a line each.
    search_key    TEXT    NOT NULL,
    -- Unique with the version among those not discarded: null, which never equals null, for the others. (MySQL has no partial
    -- index.)
    live_name     TEXT             GENERATED ALWAYS AS (CASE WHEN discarded THEN NULL ELSE name_key END) STORED,
    discarded     INTEGER NOT NULL,
    revision      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    modified_at   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE UNIQUE INDEX ux_applications_live_name_version ON applications (live_name, version);

-- The list by name, and its count.
CREATE INDEX ix_applications_discarded_name_key ON applications (discarded, name_key, id);
