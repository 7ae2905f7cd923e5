-- A row for each thing that only one transaction does at a time, in all processes on a database, and that is no row itself.
CREATE TABLE locks (
    name TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_locks PRIMARY KEY (name)
);

INSERT INTO locks (name) VALUES ('keys'), ('deliveries');
