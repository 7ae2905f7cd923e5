CREATE TABLE servers (
    id              UUID             NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    -- Names are ASCII, so lower() is all it takes to compare and sort them without regard to case.
    name_key        TEXT COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(name COLLATE "C")) STORED,
    -- Unique among those not discarded: null, which never equals null, for the others. (MySQL has no partial index.)
    live_name       TEXT COLLATE "C"
        GENERATED ALWAYS AS (CASE WHEN discarded THEN NULL ELSE lower(name COLLATE "C") END) STORED,
    cpu_cores       BIGINT           NOT NULL,
    ram_mib         BIGINT           NOT NULL,
    hdd_mib         BIGINT           NOT NULL,
    environment     TEXT COLLATE "C" NOT NULL,
    os_name         TEXT COLLATE "C" NOT NULL,
    os_version      TEXT COLLATE "C" NOT NULL,
    os_architecture TEXT COLLATE "C" NOT NULL,
    -- In lower case, made by the program: engines disagree on that of anything but ASCII.
    os_name_key         TEXT COLLATE "C" NOT NULL,
    os_version_key      TEXT COLLATE "C" NOT NULL,
    os_architecture_key TEXT COLLATE "C" NOT NULL,
    -- All that a search looks at, a line each.
    search_key      TEXT COLLATE "C" NOT NULL,
    status          TEXT COLLATE "C" NOT NULL,
    discarded       BOOLEAN          NOT NULL,
    revision        BIGINT           NOT NULL,
    created_at      BIGINT           NOT NULL,
    modified_at     BIGINT           NOT NULL,
    CONSTRAINT pk_servers PRIMARY KEY (id)
);

CREATE UNIQUE INDEX ux_servers_live_name ON servers (live_name);

-- The list by name, and its count.
CREATE INDEX ix_servers_discarded_name_key ON servers (discarded, name_key, id);
