CREATE TABLE IF NOT EXISTS authorization_users (
    id          BINARY(16)   NOT NULL,
    -- In lower case.
    username    VARCHAR(64)  NOT NULL,
    -- A PHC string: argon2id over what the pepper makes of the password.
    password    VARCHAR(255) NOT NULL,
    active      BOOLEAN      NOT NULL,
    revision    BIGINT       NOT NULL,
    created_at  BIGINT       NOT NULL,
    modified_at BIGINT       NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY ux_authorization_users_username (username)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
