//! A policy to decide by: users, roles and grants, written into the database of a new ServerTree.

use std::io;
use std::path::PathBuf;

use serde_json::{Value, json};
use servertree_kernel::clock::{IdGenerator, UuidV7Generator};
use servertree_kernel::permission::Permission;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Sqlite, Transaction};
use tempfile::TempDir;
use uuid::Uuid;

use crate::inventory::Programs;
use crate::program::Program;

/// What grants are for: each role has as many for each of them.
const PERMISSIONS: [Permission; 10] = [
    Permission::new("read", "server"),
    Permission::new("create", "server"),
    Permission::new("update", "server"),
    Permission::new("discard", "server"),
    Permission::new("restore", "server"),
    Permission::new("read", "server.credential"),
    Permission::new("create", "server.credential"),
    Permission::new("update", "server.credential"),
    Permission::new("discard", "server.credential"),
    Permission::new("reveal", "server.credential"),
];

/// Environments that conditions name, beside `staging`, which all of them do.
const ENVIRONMENTS: usize = 1_000;

/// Roles of a user.
const ROLES: usize = 3;

/// Microseconds since 1970.
const CREATED_AT: i64 = 1_767_225_600_000_000;

/// How large a policy is.
#[derive(Clone, Copy)]
pub struct Extent {
    /// Users.
    pub users: usize,
    /// Roles, and how many grants each of them has.
    pub roles: usize,
    pub grants: usize,
}

/// The data of a ServerTree with this policy in it.
pub struct Policy {
    pub folder: TempDir,
    extent: Extent,
}

/// Whether somebody may do something to a server in some environment, and what is to be answered.
pub struct Question {
    pub subject: String,
    pub permission: Permission,
    pub environment: String,
    pub allowed: bool,
}

impl Policy {
    /// Has a new ServerTree make the database, and writes the policy into it: through the API, the passwords alone would take minutes.
    pub async fn make(programs: &Programs, extent: Extent) -> io::Result<Self> {
        eprintln!("Writing {} users and {} grants …", extent.users, extent.roles * extent.grants);
        let folder = TempDir::new()?;
        drop(Program::servertree(&programs.servertree, folder.path(), &[]));
        let policy = Self { folder, extent };
        policy.write().await.expect("a policy in the tables of ServerTree");
        Ok(policy)
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data/servertree.db")
    }

    /// The names of all users.
    pub fn usernames(&self) -> impl Iterator<Item = String> {
        (0..self.extent.users).map(username)
    }

    /// The question of this number, drawn by lot. Of two questions one is about an environment that the user has a grant for, the
    /// other about any.
    pub fn question(&self, number: usize) -> Question {
        let draw = |what: usize, from: usize| scattered(number * 4 + what) % from;
        let user = draw(0, self.extent.users);
        let role = self.roles_of(user)[draw(1, ROLES)];
        let environment = match number % 2 {
            0 => self.environment(role, draw(2, self.each())),
            _ => draw(2, ENVIRONMENTS),
        };
        Question {
            subject: username(user),
            permission: PERMISSIONS[draw(3, PERMISSIONS.len())],
            environment: format!("env-{environment}"),
            allowed: self.roles_of(user).into_iter().any(|role| self.names(role, environment)),
        }
    }

    /// Grants that a role has for each permission.
    fn each(&self) -> usize {
        self.extent.grants / PERMISSIONS.len()
    }

    fn roles_of(&self, user: usize) -> [usize; ROLES] {
        let roles = self.extent.roles;
        std::array::from_fn(|nth| (user + nth * roles / ROLES) % roles)
    }

    /// The one that the nth grant of a role for some permission names.
    fn environment(&self, role: usize, nth: usize) -> usize {
        (role * self.each() + nth) % ENVIRONMENTS
    }

    fn names(&self, role: usize, environment: usize) -> bool {
        (0..self.each()).any(|nth| self.environment(role, nth) == environment)
    }

    fn grants_of(&self, role: usize) -> Value {
        let grant = |number: usize| {
            let Permission { action, object_type } = PERMISSIONS[number % PERMISSIONS.len()];
            let environment = format!("env-{}", self.environment(role, number / PERMISSIONS.len()));
            let condition = json!({"environment": {"in": [environment, "staging"]}});
            json!({"action": action, "object_type": object_type, "condition": condition})
        };
        (0..self.extent.grants).map(grant).collect()
    }

    async fn write(&self) -> sqlx::Result<()> {
        let options = SqliteConnectOptions::new().filename(self.database());
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let mut transaction = connection.begin().await?;
        let mut roles = Vec::new();
        for role in 0..self.extent.roles {
            roles.push(insert_role(&mut transaction, role, &self.grants_of(role)).await?);
        }
        for user in 0..self.extent.users {
            insert_user(&mut transaction, user, self.roles_of(user).map(|role| roles[role])).await?;
        }
        transaction.commit().await?;
        connection.close().await
    }
}

async fn insert_role(
    transaction: &mut Transaction<'_, Sqlite>,
    number: usize,
    grants: &Value,
) -> sqlx::Result<Uuid> {
    let id = UuidV7Generator.next();
    sqlx::query("INSERT INTO authorization_roles VALUES (?, ?, 0, ?, 1, ?, ?)")
        .bind(id)
        .bind(format!("role-{number}"))
        .bind(grants.to_string())
        .bind(CREATED_AT)
        .bind(CREATED_AT)
        .execute(&mut **transaction)
        .await?;
    Ok(id)
}

/// Nobody logs in: any password will do.
async fn insert_user(
    transaction: &mut Transaction<'_, Sqlite>,
    number: usize,
    roles: [Uuid; ROLES],
) -> sqlx::Result<()> {
    let id = UuidV7Generator.next();
    sqlx::query("INSERT INTO authorization_users VALUES (?, ?, 'none', 1, 1, ?, ?)")
        .bind(id)
        .bind(username(number))
        .bind(CREATED_AT)
        .bind(CREATED_AT)
        .execute(&mut **transaction)
        .await?;
    for role in roles {
        let insert = sqlx::query("INSERT INTO authorization_user_roles VALUES (?, ?)");
        insert.bind(id).bind(role).execute(&mut **transaction).await?;
    }
    Ok(())
}

fn username(number: usize) -> String {
    format!("user-{number}")
}

/// A number that has nothing to do with its neighbours, each time the same (the last steps of splitmix64).
fn scattered(number: usize) -> usize {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}
