-- A row for each thing that only one transaction does at a time, in all processes on a database, and that is no row itself.
CREATE TABLE IF NOT EXISTS locks (
    name VARCHAR(64) NOT NULL PRIMARY KEY
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

INSERT IGNORE INTO locks (name) VALUES ('keys'), ('deliveries');
