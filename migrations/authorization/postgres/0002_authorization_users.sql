CREATE TABLE authorization_users (
    id          UUID             NOT NULL,
    -- In lower case.
    username    TEXT COLLATE "C" NOT NULL,
    -- A PHC string: argon2id over what the pepper makes of the password.
    password    TEXT COLLATE "C" NOT NULL,
    active      BOOLEAN          NOT NULL,
    revision    BIGINT           NOT NULL,
    created_at  BIGINT           NOT NULL,
    modified_at BIGINT           NOT NULL,
    CONSTRAINT pk_authorization_users PRIMARY KEY (id)
);

CREATE UNIQUE INDEX ux_authorization_users_username ON authorization_users (username);
