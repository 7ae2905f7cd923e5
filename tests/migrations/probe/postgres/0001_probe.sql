-- What the probe took, in the order it took it. Twice, if it took it twice.
CREATE TABLE probe_delivered (
    place    BIGINT           NOT NULL GENERATED ALWAYS AS IDENTITY,
    event_id UUID             NOT NULL,
    type     TEXT COLLATE "C" NOT NULL,
    subject  UUID             NOT NULL,
    revision BIGINT           NOT NULL,
    sequence BIGINT           NOT NULL,
    CONSTRAINT pk_probe_delivered PRIMARY KEY (place)
);
