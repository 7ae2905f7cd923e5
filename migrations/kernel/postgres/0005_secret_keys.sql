-- The keys that secrets in this database are protected with: never the keys themselves.
CREATE TABLE secret_keys (
    id             TEXT COLLATE "C" NOT NULL,
    purpose        TEXT COLLATE "C" NOT NULL,
    -- active: new secrets are sealed with it; retiring: some still are; retired: none is.
    state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('active', 'retiring', 'retired')),
    -- One key of a purpose is active.
    active_purpose TEXT COLLATE "C"          GENERATED ALWAYS AS (CASE WHEN state = 'active' THEN purpose END) STORED,
    -- Tells whether a key of this id is the one it was.
    check_value    BYTEA            NOT NULL,
    created_at     BIGINT           NOT NULL,
    CONSTRAINT pk_secret_keys PRIMARY KEY (id)
);

CREATE UNIQUE INDEX ux_secret_keys_active_purpose ON secret_keys (active_purpose);
