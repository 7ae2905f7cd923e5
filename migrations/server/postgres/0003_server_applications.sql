-- What is known of applications, as the events of the context that they belong to tell. They are few: whoever looks for a name
-- looks through all of them.
CREATE TABLE server_applications (
    application_id UUID             NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    -- In lower case, made by the program, as for servers.
    name_key       TEXT COLLATE "C" NOT NULL,
    version        TEXT COLLATE "C" NOT NULL,
    version_key    TEXT COLLATE "C" NOT NULL,
    discarded      BOOLEAN          NOT NULL,
    -- That of the event that told of it last.
    revision       BIGINT           NOT NULL,
    CONSTRAINT pk_server_applications PRIMARY KEY (application_id)
);
