CREATE TABLE server_credentials (
    server_id       UUID             NOT NULL,
    id              UUID             NOT NULL,
    connection_type TEXT COLLATE "C" NOT NULL,
    username        TEXT COLLATE "C" NOT NULL,
    -- In lower case, made by the program, as for servers.
    username_key    TEXT COLLATE "C" NOT NULL,
    local_ip        TEXT COLLATE "C",
    -- What sorts as addresses do.
    local_ip_key    TEXT COLLATE "C",
    local_port      BIGINT,
    public_ip       TEXT COLLATE "C",
    public_ip_key   TEXT COLLATE "C",
    public_port     BIGINT,
    -- The key that the password is sealed with, and what it is sealed to; both null: there is none.
    password_key    TEXT COLLATE "C",
    password_sealed BYTEA,
    -- The credentials of a server are found together.
    CONSTRAINT pk_server_credentials PRIMARY KEY (server_id, id),
    CONSTRAINT fk_server_credentials_server_id FOREIGN KEY (server_id) REFERENCES servers (id),
    CHECK ((password_key IS NULL) = (password_sealed IS NULL))
);

CREATE UNIQUE INDEX ux_server_credentials_id ON server_credentials (id);
