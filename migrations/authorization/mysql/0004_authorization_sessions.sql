CREATE TABLE IF NOT EXISTS authorization_sessions (
    id         BINARY(16)   NOT NULL,
    user_id    BINARY(16)   NOT NULL,
    -- From where it was opened, and the network of that: its user is known there, as long as the row is kept.
    address    VARCHAR(45),
    network    VARCHAR(45),
    user_agent VARCHAR(255),
    opened_at  BIGINT       NOT NULL,
    expires_at BIGINT       NOT NULL,
    closed_at  BIGINT,
    revision   BIGINT       NOT NULL,
    PRIMARY KEY (id),
    KEY ix_authorization_sessions_user_id_network (user_id, network),
    -- What is pruned.
    KEY ix_authorization_sessions_expires_at (expires_at),
    CONSTRAINT fk_authorization_sessions_user_id FOREIGN KEY (user_id) REFERENCES authorization_users (id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
