CREATE TABLE IF NOT EXISTS authorization_tokens (
    id           BINARY(16)    NOT NULL,
    user_id      BINARY(16)    NOT NULL,
    name         VARCHAR(64)   NOT NULL,
    -- What the pepper makes of the token: the token itself is nowhere.
    hash         VARBINARY(32) NOT NULL,
    read_only    BOOLEAN       NOT NULL,
    created_at   BIGINT        NOT NULL,
    expires_at   BIGINT        NOT NULL,
    last_used_at BIGINT,
    PRIMARY KEY (id),
    UNIQUE KEY ux_authorization_tokens_hash (hash),
    KEY ix_authorization_tokens_user_id (user_id),
    CONSTRAINT fk_authorization_tokens_user_id FOREIGN KEY (user_id) REFERENCES authorization_users (id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
