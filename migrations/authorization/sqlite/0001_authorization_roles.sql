CREATE TABLE authorization_roles (
    id          BLOB    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    -- What built-in roles hold is in the program: a new version may know more types of objects.
    built_in    INTEGER NOT NULL,
    -- JSON: an array of {"action", "object_type", "condition"}.
    grants      TEXT    NOT NULL,
    revision    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    modified_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE UNIQUE INDEX ux_authorization_roles_name ON authorization_roles (name);

-- 2026-01-01T00:00:00Z.
INSERT INTO authorization_roles (id, name, built_in, grants, revision, created_at, modified_at) VALUES
    (X'00000000000080008000000000000001', 'user',        1, '[]', 1, 1767225600000000, 1767225600000000),
    (X'00000000000080008000000000000002', 'viewer',      1, '[]', 1, 1767225600000000, 1767225600000000),
    (X'00000000000080008000000000000003', 'operator',    1, '[]', 1, 1767225600000000, 1767225600000000),
    (X'00000000000080008000000000000004', 'admin',       1, '[]', 1, 1767225600000000, 1767225600000000),
    (X'00000000000080008000000000000005', 'super_admin', 1, '[]', 1, 1767225600000000, 1767225600000000);
