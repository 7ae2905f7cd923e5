CREATE TABLE IF NOT EXISTS servers (
    id              BINARY(16)   NOT NULL,
    name            VARCHAR(255) NOT NULL,
    -- Names are ASCII, so lower() is all it takes to compare and sort them without regard to case. Never null, as the name is
    -- not. (MariaDB takes no NOT NULL here.)
    name_key        VARCHAR(255) GENERATED ALWAYS AS (lower(name)) STORED,
    -- Unique among those not discarded: null, which never equals null, for the others.
    live_name       VARCHAR(255) GENERATED ALWAYS AS (CASE WHEN discarded THEN NULL ELSE lower(name) END) STORED,
    cpu_cores       BIGINT       NOT NULL,
    ram_mib         BIGINT       NOT NULL,
    hdd_mib         BIGINT       NOT NULL,
    environment     VARCHAR(64)  NOT NULL,
    os_name         VARCHAR(255) NOT NULL,
    os_version      VARCHAR(255) NOT NULL,
    os_architecture VARCHAR(255) NOT NULL,
    -- In lower case, made by the program: engines disagree on that of anything but ASCII. Longer, at times, than what they are
    -- made of; never of more than 1024 bytes, which is all of a text that is looked at to sort it.
    os_name_key         TEXT     NOT NULL,
    os_version_key      TEXT     NOT NULL,
    os_architecture_key TEXT     NOT NULL,
    -- All that a search looks at, a line each.
    search_key      MEDIUMTEXT   NOT NULL,
    status          VARCHAR(32)  NOT NULL,
    discarded       BOOLEAN      NOT NULL,
    revision        BIGINT       NOT NULL,
    created_at      BIGINT       NOT NULL,
    modified_at     BIGINT       NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY ux_servers_live_name (live_name),
    -- The list by name, and its count.
    KEY ix_servers_discarded_name_key (discarded, name_key, id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
