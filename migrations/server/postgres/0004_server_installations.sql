CREATE TABLE server_installations (
    server_id       UUID             NOT NULL,
    -- Known to server_applications, which refers to nothing and is referred to by nothing: it can be emptied and filled anew.
    application_id  UUID             NOT NULL,
    install_dir     TEXT COLLATE "C" NOT NULL,
    -- In lower case, made by the program, as for servers.
    install_dir_key TEXT COLLATE "C" NOT NULL,
    log_dir         TEXT COLLATE "C" NOT NULL,
    log_dir_key     TEXT COLLATE "C" NOT NULL,
    -- The installations of a server are found together.
    CONSTRAINT pk_server_installations PRIMARY KEY (server_id, application_id),
    CONSTRAINT fk_server_installations_server_id FOREIGN KEY (server_id) REFERENCES servers (id)
);

-- The servers with an application.
CREATE INDEX ix_server_installations_application_id_server_id ON server_installations (application_id, server_id);
