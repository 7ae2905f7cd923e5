-- Counts what made something stale that processes remember: who a token stands for, what a role holds. Each process looks at it
-- again and again, and forgets what it remembers when it has changed.
CREATE TABLE IF NOT EXISTS authorization_changes (
    id    BIGINT NOT NULL CHECK (id = 1),
    count BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

INSERT IGNORE INTO authorization_changes (id, count) VALUES (1, 0);
