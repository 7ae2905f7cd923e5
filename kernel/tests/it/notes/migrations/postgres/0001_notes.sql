CREATE TABLE notes (
    subject  UUID   NOT NULL,
    revision BIGINT NOT NULL
);

-- What the listener took, in the order it took it. Twice, if it took it twice.
CREATE TABLE notes_taken (
    place    BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    subject  UUID   NOT NULL,
    revision BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    CONSTRAINT pk_notes_taken PRIMARY KEY (place)
);
