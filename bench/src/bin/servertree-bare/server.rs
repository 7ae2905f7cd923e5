//! A server, its credentials and what is installed on it: the row that is read and the JSON that is answered are one struct.

use serde::{Deserialize, Serialize, Serializer, ser};
use sqlx::FromRow;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// A server.
#[derive(FromRow, Serialize)]
pub struct Server {
    pub id: Uuid,
    pub name: String,
    pub cpu_cores: i64,
    pub ram_mib: i64,
    pub hdd_mib: i64,
    pub environment: String,
    #[sqlx(flatten)]
    pub operating_system: OperatingSystem,
    pub status: String,
    #[sqlx(skip)]
    pub credentials: Vec<Credential>,
    #[sqlx(skip)]
    pub applications: Vec<Installation>,
    pub discarded: bool,
    pub revision: i64,
    #[serde(serialize_with = "rfc_3339")]
    pub created_at: i64,
    #[serde(serialize_with = "rfc_3339")]
    pub modified_at: i64,
}

/// What runs it.
#[derive(FromRow, Serialize, Deserialize)]
pub struct OperatingSystem {
    #[sqlx(rename = "os_name")]
    pub name: String,
    #[sqlx(rename = "os_version")]
    pub version: String,
    #[sqlx(rename = "os_architecture")]
    pub architecture: String,
}

/// How it is reached.
#[derive(FromRow, Serialize)]
pub struct Credential {
    #[sqlx(rename = "credential_id")]
    id: Uuid,
    connection_type: String,
    username: String,
    has_password: bool,
    local_ip: Option<String>,
    local_port: Option<i64>,
    public_ip: Option<String>,
    public_port: Option<i64>,
}

/// What is installed on it.
#[derive(FromRow, Serialize)]
pub struct Installation {
    application_id: Uuid,
    #[sqlx(rename = "application_name")]
    name: String,
    #[sqlx(rename = "application_version")]
    version: String,
    application_discarded: bool,
    install_dir: String,
    log_dir: String,
}

/// The columns of a credential, of `server_credentials`, and none of an installation.
macro_rules! credential_columns {
    () => {
        concat!(
            r#""server_credentials"."connection_type", "server_credentials"."username", "#,
            r#""server_credentials"."local_ip", "server_credentials"."local_port", "#,
            r#""server_credentials"."public_ip", "server_credentials"."public_port", "server_credentials"."id" "#,
            r#"AS "credential_id", "server_credentials"."password_key" IS NOT NULL AS "has_password", NULL AS "#,
            r#""application_id", NULL AS "application_name", NULL AS "application_version", NULL AS "#,
            r#""application_discarded", NULL AS "install_dir", NULL AS "log_dir""#,
        )
    };
}

/// No columns of a credential, and those of an installation, which follow from these joins.
macro_rules! installation_columns {
    () => {
        concat!(
            r#"NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "server_installations"."application_id", "#,
            r#""server_applications"."name", "server_applications"."version", "server_applications"."discarded", "#,
            r#""server_installations"."install_dir", "server_installations"."log_dir" FROM "servers" INNER JOIN "#,
            r#""server_installations" ON "server_installations"."server_id" = "servers"."id" INNER JOIN "#,
            r#""server_applications" ON "server_applications"."application_id" = "#,
            r#""server_installations"."application_id""#,
        )
    };
}

pub(crate) use {credential_columns, installation_columns};

/// Stored are microseconds since 1970.
fn rfc_3339<S: Serializer>(micros: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    let time =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(*micros) * 1_000).map_err(ser::Error::custom)?;
    serializer.serialize_str(&time.format(&Rfc3339).map_err(ser::Error::custom)?)
}
