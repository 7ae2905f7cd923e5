CREATE TABLE IF NOT EXISTS authorization_user_roles (
    user_id BINARY(16) NOT NULL,
    role_id BINARY(16) NOT NULL,
    PRIMARY KEY (user_id, role_id),
    KEY ix_authorization_user_roles_role_id (role_id),
    CONSTRAINT fk_authorization_user_roles_user_id FOREIGN KEY (user_id) REFERENCES authorization_users (id),
    CONSTRAINT fk_authorization_user_roles_role_id FOREIGN KEY (role_id) REFERENCES authorization_roles (id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- With the names, for lists of users. (Read with the rights of whoever asks: the account that made it may be gone.)
CREATE OR REPLACE SQL SECURITY INVOKER VIEW authorization_user_role_names AS
SELECT authorization_user_roles.user_id, authorization_roles.id, authorization_roles.name
FROM authorization_user_roles
JOIN authorization_roles ON authorization_roles.id = authorization_user_roles.role_id;
