-- What the probe took, in the order it took it. Twice, if it took it twice.
CREATE TABLE probe_delivered (
    place    INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id BLOB    NOT NULL,
    type     TEXT    NOT NULL,
    subject  BLOB    NOT NULL,
    revision INTEGER NOT NULL,
    sequence INTEGER NOT NULL
);
