CREATE TABLE authorization_users (
    id          BLOB    NOT NULL PRIMARY KEY,
    -- In lower case.
    username    TEXT    NOT NULL,
    -- A PHC string: argon2id over what the pepper makes of the password.
    password    TEXT    NOT NULL,
    active      INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    modified_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE UNIQUE INDEX ux_authorization_users_username ON authorization_users (username);
