CREATE TABLE authorization_sessions (
    id         BLOB    NOT NULL PRIMARY KEY,
    user_id    BLOB    NOT NULL REFERENCES authorization_users (id),
    -- From where it was opened, and the network of that: its user is known there, as long as the row is kept.
    address    TEXT,
    network    TEXT,
    user_agent TEXT,
    opened_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    closed_at  INTEGER,
    revision   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX ix_authorization_sessions_user_id_network ON authorization_sessions (user_id, network);

-- What is pruned.
CREATE INDEX ix_authorization_sessions_expires_at ON authorization_sessions (expires_at);
