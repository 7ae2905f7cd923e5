-- What was answered to requests with an Idempotency-Key, in the transaction of what they did. Kept for a day.
CREATE TABLE idempotency_keys (
    -- Keyed hashes: of caller, method, path and key; of the payload.
    scope      BLOB    NOT NULL PRIMARY KEY,
    payload    BLOB    NOT NULL,
    -- The answer. Null only within the transaction that claims the key.
    status     INTEGER,
    location   TEXT,
    etag       TEXT,
    body       BLOB,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at);
