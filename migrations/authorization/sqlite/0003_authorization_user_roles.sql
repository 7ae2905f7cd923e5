CREATE TABLE authorization_user_roles (
    user_id BLOB NOT NULL REFERENCES authorization_users (id),
    role_id BLOB NOT NULL REFERENCES authorization_roles (id),
    PRIMARY KEY (user_id, role_id)
) WITHOUT ROWID;

CREATE INDEX ix_authorization_user_roles_role_id ON authorization_user_roles (role_id);

-- With the names, for lists of users.
CREATE VIEW authorization_user_role_names AS
SELECT authorization_user_roles.user_id, authorization_roles.id, authorization_roles.name
FROM authorization_user_roles
JOIN authorization_roles ON authorization_roles.id = authorization_user_roles.role_id;
