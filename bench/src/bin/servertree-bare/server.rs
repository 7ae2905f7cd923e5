//! A server and its credentials: the row that is read and the JSON that is answered are one struct.

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

/// Stored are microseconds since 1970.
fn rfc_3339<S: Serializer>(micros: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    let time =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(*micros) * 1_000).map_err(ser::Error::custom)?;
    serializer.serialize_str(&time.format(&Rfc3339).map_err(ser::Error::custom)?)
}
