-- What is known of applications, as the events of the context that they belong to tell. They are few: whoever looks for a name
-- looks through all of them.
CREATE TABLE server_applications (
    application_id BLOB    NOT NULL PRIMARY KEY,
    name           TEXT    NOT NULL,
    -- In lower case, made by the program, as for servers.
    name_key       TEXT    NOT NULL,
    version        TEXT    NOT NULL,
    version_key    TEXT    NOT NULL,
    discarded      INTEGER NOT NULL,
    -- That of the event that told of it last.
    revision       INTEGER NOT NULL
) WITHOUT ROWID;
