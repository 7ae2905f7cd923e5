CREATE TABLE IF NOT EXISTS notes (
    subject  BINARY(16) NOT NULL,
    revision BIGINT     NOT NULL
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- What the listener took, in the order it took it. Twice, if it took it twice.
CREATE TABLE IF NOT EXISTS notes_taken (
    place    BIGINT     NOT NULL AUTO_INCREMENT,
    subject  BINARY(16) NOT NULL,
    revision BIGINT     NOT NULL,
    sequence BIGINT     NOT NULL,
    PRIMARY KEY (place)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
