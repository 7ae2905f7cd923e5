-- What was answered to requests with an Idempotency-Key, in the transaction of what they did. Kept for a day.
CREATE TABLE idempotency_keys (
    -- Keyed hashes: of caller, method, path and key; of the payload.
    scope      BYTEA  NOT NULL,
    payload    BYTEA  NOT NULL,
    -- The answer. Null only within the transaction that claims the key.
    status     BIGINT,
    location   TEXT COLLATE "C",
    etag       TEXT COLLATE "C",
    body       BYTEA,
    expires_at BIGINT NOT NULL,
    -- Named as what it is asked for: a claim that came second is told by this name.
    CONSTRAINT ux_idempotency_keys_scope PRIMARY KEY (scope)
);

CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at);
