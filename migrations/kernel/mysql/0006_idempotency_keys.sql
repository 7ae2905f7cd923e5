-- What was answered to requests with an Idempotency-Key, in the transaction of what they did. Kept for a day.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    -- Keyed hashes: of caller, method, path and key; of the payload.
    scope      VARBINARY(32) NOT NULL,
    payload    VARBINARY(32) NOT NULL,
    -- The answer. Null only within the transaction that claims the key.
    status     BIGINT,
    location   TEXT,
    etag       VARCHAR(255),
    body       LONGBLOB,
    expires_at BIGINT        NOT NULL,
    -- In the place of the primary key, which has no name that says whose it is.
    UNIQUE KEY ux_idempotency_keys_scope (scope),
    KEY ix_idempotency_keys_expires_at (expires_at)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
