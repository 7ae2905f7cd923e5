CREATE TABLE authorization_roles (
    id          UUID             NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    -- What built-in roles hold is in the program: a new version may know more types of objects.
    built_in    BOOLEAN          NOT NULL,
    -- JSON: an array of {"action", "object_type", "condition"}.
    grants      TEXT COLLATE "C" NOT NULL,
    revision    BIGINT           NOT NULL,
    created_at  BIGINT           NOT NULL,
    modified_at BIGINT           NOT NULL,
    CONSTRAINT pk_authorization_roles PRIMARY KEY (id)
);

CREATE UNIQUE INDEX ux_authorization_roles_name ON authorization_roles (name);

-- 2026-01-01T00:00:00Z.
INSERT INTO authorization_roles (id, name, built_in, grants, revision, created_at, modified_at) VALUES
    ('00000000-0000-8000-8000-000000000001', 'user',        TRUE, '[]', 1, 1767225600000000, 1767225600000000),
    ('00000000-0000-8000-8000-000000000002', 'viewer',      TRUE, '[]', 1, 1767225600000000, 1767225600000000),
    ('00000000-0000-8000-8000-000000000003', 'operator',    TRUE, '[]', 1, 1767225600000000, 1767225600000000),
    ('00000000-0000-8000-8000-000000000004', 'admin',       TRUE, '[]', 1, 1767225600000000, 1767225600000000),
    ('00000000-0000-8000-8000-000000000005', 'super_admin', TRUE, '[]', 1, 1767225600000000, 1767225600000000);
