-- What is known of applications, as the events of the context that they belong to tell. They are few: whoever looks for a name
-- looks through all of them.
CREATE TABLE IF NOT EXISTS server_applications (
    application_id BINARY(16) NOT NULL,
    -- How long names and versions may be is for that context to say.
    name           TEXT       NOT NULL,
    -- In lower case, made by the program, as for servers.
    name_key       TEXT       NOT NULL,
    version        TEXT       NOT NULL,
    version_key    TEXT       NOT NULL,
    discarded      BOOLEAN    NOT NULL,
    -- That of the event that told of it last.
    revision       BIGINT     NOT NULL,
    PRIMARY KEY (application_id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
