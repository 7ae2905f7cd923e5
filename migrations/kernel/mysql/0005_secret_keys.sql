-- The keys that secrets in this database are protected with: never the keys themselves.
CREATE TABLE IF NOT EXISTS secret_keys (
    id             VARCHAR(64)   NOT NULL,
    purpose        VARCHAR(32)   NOT NULL,
    -- active: new secrets are sealed with it; retiring: some still are; retired: none is.
    state          VARCHAR(32)   NOT NULL CHECK (state IN ('active', 'retiring', 'retired')),
    -- One key of a purpose is active.
    active_purpose VARCHAR(32)            GENERATED ALWAYS AS (CASE WHEN state = 'active' THEN purpose END) STORED,
    -- Tells whether a key of this id is the one it was.
    check_value    VARBINARY(32) NOT NULL,
    created_at     BIGINT        NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY ux_secret_keys_active_purpose (active_purpose)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
