CREATE TABLE applications (
    id            UUID             NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    version       TEXT COLLATE "C" NOT NULL,
    architect     TEXT COLLATE "C" NOT NULL,
    -- In lower case, made by the program: engines disagree on that of anything but ASCII.
    name_key      TEXT COLLATE "C" NOT NULL,
    version_key   TEXT COLLATE "C" NOT NULL,
    architect_key TEXT COLLATE "C" NOT NULL,
    -- All that a search looks at, a line each.
    search_key    TEXT COLLATE "C" NOT NULL,
    -- Unique with the version among those not discarded: null, which never equals null, for the others. (MySQL has no partial
    -- index.)
    live_name     TEXT COLLATE "C" GENERATED ALWAYS AS (CASE WHEN discarded THEN NULL ELSE name_key END) STORED,
    discarded     BOOLEAN          NOT NULL,
    revision      BIGINT           NOT NULL,
    created_at    BIGINT           NOT NULL,
    modified_at   BIGINT           NOT NULL,
    CONSTRAINT pk_applications PRIMARY KEY (id)
);

CREATE UNIQUE INDEX ux_applications_live_name_version ON applications (live_name, version);

-- The list by name, and its count.
CREATE INDEX ix_applications_discarded_name_key ON applications (discarded, name_key, id);
