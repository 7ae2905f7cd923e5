CREATE TABLE IF NOT EXISTS server_installations (
    server_id       BINARY(16) NOT NULL,
    -- Known to server_applications, which refers to nothing and is referred to by nothing: it can be emptied and filled anew.
    application_id  BINARY(16) NOT NULL,
    install_dir     TEXT       NOT NULL,
    -- In lower case, made by the program, as for servers.
    install_dir_key TEXT       NOT NULL,
    log_dir         TEXT       NOT NULL,
    log_dir_key     TEXT       NOT NULL,
    -- The installations of a server are next to each other.
    PRIMARY KEY (server_id, application_id),
    -- The servers with an application.
    KEY ix_server_installations_application_id_server_id (application_id, server_id),
    CONSTRAINT fk_server_installations_server_id FOREIGN KEY (server_id) REFERENCES servers (id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
