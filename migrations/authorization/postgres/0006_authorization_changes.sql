-- Counts what made something stale that processes remember: who a token stands for, what a role holds. Each process looks at it
-- again and again, and forgets what it remembers when it has changed.
CREATE TABLE authorization_changes (
    id    BIGINT NOT NULL CHECK (id = 1),
    count BIGINT NOT NULL,
    CONSTRAINT pk_authorization_changes PRIMARY KEY (id)
);

INSERT INTO authorization_changes (id, count) VALUES (1, 0);
