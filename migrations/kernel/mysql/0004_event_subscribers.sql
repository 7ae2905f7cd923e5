-- The subscribers of all processes on this database, whether they run right now or not: deliveries are made for each of
-- them, so that one that is away for a while misses nothing.
CREATE TABLE IF NOT EXISTS event_subscribers (
    name          VARCHAR(255) NOT NULL,
    -- The names of the events it takes, as a JSON array; an empty one: all.
    events        MEDIUMTEXT   NOT NULL,
    registered_at BIGINT       NOT NULL,
    PRIMARY KEY (name)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
