-- A row for each thing that only one transaction does at a time: it locks the row. (On SQLite all of them are alone, anyway.)
CREATE TABLE locks (
    name TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;

INSERT INTO locks (name) VALUES ('keys'), ('deliveries');
