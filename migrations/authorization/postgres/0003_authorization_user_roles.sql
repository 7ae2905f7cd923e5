CREATE TABLE authorization_user_roles (
    user_id UUID NOT NULL,
    role_id UUID NOT NULL,
    CONSTRAINT pk_authorization_user_roles PRIMARY KEY (user_id, role_id),
    CONSTRAINT fk_authorization_user_roles_user_id FOREIGN KEY (user_id) REFERENCES authorization_users (id),
    CONSTRAINT fk_authorization_user_roles_role_id FOREIGN KEY (role_id) REFERENCES authorization_roles (id)
);

CREATE INDEX ix_authorization_user_roles_role_id ON authorization_user_roles (role_id);

-- With the names, for lists of users.
CREATE VIEW authorization_user_role_names AS
SELECT authorization_user_roles.user_id, authorization_roles.id, authorization_roles.name
FROM authorization_user_roles
JOIN authorization_roles ON authorization_roles.id = authorization_user_roles.role_id;
