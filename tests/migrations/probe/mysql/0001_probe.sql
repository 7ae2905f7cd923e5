-- What the probe took, in the order it took it. Twice, if it took it twice.
CREATE TABLE IF NOT EXISTS probe_delivered (
    place    BIGINT       NOT NULL AUTO_INCREMENT,
    event_id BINARY(16)   NOT NULL,
    type     VARCHAR(255) NOT NULL,
    subject  BINARY(16)   NOT NULL,
    revision BIGINT       NOT NULL,
    sequence BIGINT       NOT NULL,
    PRIMARY KEY (place)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
