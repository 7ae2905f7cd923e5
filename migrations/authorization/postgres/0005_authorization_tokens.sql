CREATE TABLE authorization_tokens (
    id           UUID             NOT NULL,
    user_id      UUID             NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    -- What the pepper makes of the token: the token itself is nowhere.
    hash         BYTEA            NOT NULL,
    read_only    BOOLEAN          NOT NULL,
    created_at   BIGINT           NOT NULL,
    expires_at   BIGINT           NOT NULL,
    last_used_at BIGINT,
    CONSTRAINT pk_authorization_tokens PRIMARY KEY (id),
    CONSTRAINT fk_authorization_tokens_user_id FOREIGN KEY (user_id) REFERENCES authorization_users (id)
);

CREATE UNIQUE INDEX ux_authorization_tokens_hash ON authorization_tokens (hash);

CREATE INDEX ix_authorization_tokens_user_id ON authorization_tokens (user_id);
