CREATE TABLE server_installations (
    server_id       BLOB NOT NULL REFERENCES servers (id),
    -- Known to server_applications, which refers to nothing and is referred to by nothing: it can be emptied and filled anew.
    application_id  BLOB NOT NULL,
    install_dir     TEXT NOT NULL,
    -- In lower case, made by the program, as for servers.
    install_dir_key TEXT NOT NULL,
    log_dir         TEXT NOT NULL,
    log_dir_key     TEXT NOT NULL,
    -- The installations of a server are next to each other.
    PRIMARY KEY (server_id, application_id)
) WITHOUT ROWID;

-- The servers with an application.
CREATE INDEX ix_server_installations_application_id_server_id ON server_installations (application_id, server_id);
