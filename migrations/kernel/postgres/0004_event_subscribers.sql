-- The subscribers of all processes on this database, whether they run right now or not: deliveries are made for each of
-- them, so that one that is away for a while misses nothing.
CREATE TABLE event_subscribers (
    name          TEXT COLLATE "C" NOT NULL,
    -- The names of the events it takes, as a JSON array; an empty one: all.
    events        TEXT COLLATE "C" NOT NULL,
    registered_at BIGINT           NOT NULL,
    CONSTRAINT pk_event_subscribers PRIMARY KEY (name)
);
