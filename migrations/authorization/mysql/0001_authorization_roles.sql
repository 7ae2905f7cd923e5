CREATE TABLE IF NOT EXISTS authorization_roles (
    id          BINARY(16)  NOT NULL,
    name        VARCHAR(64) NOT NULL,
    -- What built-in roles hold is in the program: a new version may know more types of objects.
    built_in    BOOLEAN     NOT NULL,
    -- JSON: an array of {"action", "object_type", "condition"}.
    grants      LONGTEXT    NOT NULL,
    revision    BIGINT      NOT NULL,
    created_at  BIGINT      NOT NULL,
    modified_at BIGINT      NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY ux_authorization_roles_name (name)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- 2026-01-01T00:00:00Z.
INSERT IGNORE INTO authorization_roles (id, name, built_in, grants, revision, created_at, modified_at) VALUES
    (X'00000000000080008000000000000001', 'user',        TRUE, '[]', 1, 1767225600000000, 1767225600000000),
    (X'00000000000080008000000000000002', 'viewer',      TRUE, '[]', 1, 1767225600000000, 1767225600000000),
    (X'00000000000080008000000000000003', 'operator',    TRUE, '[]', 1, 1767225600000000, 1767225600000000),
    (X'00000000000080008000000000000004', 'admin',       TRUE, '[]', 1, 1767225600000000, 1767225600000000),
    (X'00000000000080008000000000000005', 'super_admin', TRUE, '[]', 1, 1767225600000000, 1767225600000000);
