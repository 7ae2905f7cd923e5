CREATE TABLE notes (
    subject  BLOB    NOT NULL,
    revision INTEGER NOT NULL
);

-- What the listener took, in the order it took it. Twice, if it took it twice.
CREATE TABLE notes_taken (
    place    INTEGER PRIMARY KEY AUTOINCREMENT,
    subject  BLOB    NOT NULL,
    revision INTEGER NOT NULL,
    sequence INTEGER NOT NULL
);
