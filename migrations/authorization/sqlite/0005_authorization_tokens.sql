CREATE TABLE authorization_tokens (
    id           BLOB    NOT NULL PRIMARY KEY,
    user_id      BLOB    NOT NULL REFERENCES authorization_users (id),
    name         TEXT    NOT NULL,
    -- What the pepper makes of the token: the token itself is nowhere.
    hash         BLOB    NOT NULL,
    read_only    INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER
) WITHOUT ROWID;

CREATE UNIQUE INDEX ux_authorization_tokens_hash ON authorization_tokens (hash);

CREATE INDEX ix_authorization_tokens_user_id ON authorization_tokens (user_id);
