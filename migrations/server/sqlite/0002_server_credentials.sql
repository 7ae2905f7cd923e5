CREATE TABLE server_credentials (
    server_id       BLOB    NOT NULL REFERENCES servers (id),
    id              BLOB    NOT NULL,
    connection_type TEXT    NOT NULL,
    username        TEXT    NOT NULL,
    -- In lower case, made by the program, as for servers.
    username_key    TEXT    NOT NULL,
    local_ip        TEXT,
    -- What sorts as addresses do.
    local_ip_key    TEXT,
    local_port      INTEGER,
    public_ip       TEXT,
    public_ip_key   TEXT,
    public_port     INTEGER,
    -- The key that the password is sealed with, and what it is sealed to; both null: there is none.
    password_key    TEXT,
    password_sealed BLOB,
    -- The credentials of a server are next to each other.
    PRIMARY KEY (server_id, id),
    CHECK ((password_key IS NULL) = (password_sealed IS NULL))
) WITHOUT ROWID;

CREATE UNIQUE INDEX ux_server_credentials_id ON server_credentials (id);
