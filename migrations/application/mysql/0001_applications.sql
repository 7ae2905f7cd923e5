CREATE TABLE IF NOT EXISTS applications (
    id            BINARY(16)   NOT NULL,
    name          VARCHAR(255) NOT NULL,
    version       VARCHAR(64)  NOT NULL,
    architect     VARCHAR(255) NOT NULL,
    -- In lower case, made by the program: engines disagree on that of anything but ASCII. Longer, at times, than what they are
    -- made of: of a name, twice as long at most.
    name_key      VARCHAR(510) NOT NULL,
    version_key   TEXT         NOT NULL,
    architect_key TEXT         NOT NULL,
    -- All that a search looks at, a line each.
    search_key    TEXT         NOT NULL,
    -- Unique with the version among those not discarded: null, which never equals null, for the others.
    live_name     VARCHAR(510) GENERATED ALWAYS AS (CASE WHEN discarded THEN NULL ELSE name_key END) STORED,
    discarded     BOOLEAN      NOT NULL,
    revision      BIGINT       NOT NULL,
    created_at    BIGINT       NOT NULL,
    modified_at   BIGINT       NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY ux_applications_live_name_version (live_name, version),
    -- The list by name, and its count.
    KEY ix_applications_discarded_name_key (discarded, name_key, id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
