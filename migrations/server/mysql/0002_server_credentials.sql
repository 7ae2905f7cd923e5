CREATE TABLE IF NOT EXISTS server_credentials (
    server_id       BINARY(16)   NOT NULL,
    id              BINARY(16)   NOT NULL,
    connection_type VARCHAR(64)  NOT NULL,
    username        VARCHAR(255) NOT NULL,
    -- In lower case, made by the program, as for servers.
    username_key    TEXT         NOT NULL,
    local_ip        VARCHAR(45),
    -- What sorts as addresses do.
    local_ip_key    VARCHAR(33),
    local_port      BIGINT,
    public_ip       VARCHAR(45),
    public_ip_key   VARCHAR(33),
    public_port     BIGINT,
    -- The key that the password is sealed with, and what it is sealed to; both null: there is none.
    password_key    VARCHAR(64),
    password_sealed MEDIUMBLOB,
    -- The credentials of a server are next to each other.
    PRIMARY KEY (server_id, id),
    UNIQUE KEY ux_server_credentials_id (id),
    CONSTRAINT fk_server_credentials_server_id FOREIGN KEY (server_id) REFERENCES servers (id),
    CHECK ((password_key IS NULL) = (password_sealed IS NULL))
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
