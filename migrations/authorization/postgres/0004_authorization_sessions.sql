CREATE TABLE authorization_sessions (
    id         UUID   NOT NULL,
    user_id    UUID   NOT NULL,
    -- From where it was opened, and the network of that: its user is known there, as long as the row is kept.
    address    TEXT COLLATE "C",
    network    TEXT COLLATE "C",
    user_agent TEXT COLLATE "C",
    opened_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at  BIGINT,
    revision   BIGINT NOT NULL,
    CONSTRAINT pk_authorization_sessions PRIMARY KEY (id),
    CONSTRAINT fk_authorization_sessions_user_id FOREIGN KEY (user_id) REFERENCES authorization_users (id)
);

CREATE INDEX ix_authorization_sessions_user_id_network ON authorization_sessions (user_id, network);

-- What is pruned.
CREATE INDEX ix_authorization_sessions_expires_at ON authorization_sessions (expires_at);
