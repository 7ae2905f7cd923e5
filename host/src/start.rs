//! What keeps the program from starting, and the steps of a start that several commands share.

use std::fs::DirBuilder;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use servertree_kernel::cache::{CacheError, RedisCache};
use servertree_kernel::clock::{SystemClock, UuidV7Generator};
use servertree_kernel::database::{ConnectError, CopyError, Database, MigrationError};
use servertree_kernel::plugin::AssemblyError;
use servertree_kernel::problem::Failure;
use servertree_kernel::remote::SetupError;
use servertree_kernel::secrets::{KeyError, KeySource, Keyring};
use thiserror::Error;

use crate::bus::Refused;
use crate::config::{Config, ConfigError, DataSettings};

/// Why the program could not start: one message that says what, and how to mend it.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Assembly(#[from] AssemblyError),
    #[error(
        "the data folder {folder} cannot be used: {source}. Make it a folder that this user may write to, or name \
         another one with data.folder (SERVERTREE_DATA__FOLDER)"
    )]
    DataFolder { folder: String, source: io::Error },
    #[error(
        "no context here knows who asks and who may do what: enable 'authorization' with contexts.enabled, or say with \
         authorization.url (SERVERTREE_AUTHORIZATION__URL) which process does"
    )]
    NobodyVerifies,
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{option}: {source}")]
    CopyEnd { option: &'static str, source: ConnectError },
    #[error("--from and --to name the same database")]
    CopyOntoItself,
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error(
        "{count} secrets could not be wrapped: they do not open with the key they name (the log names them). They stay as \
         they are, and so does their key; restore them from a backup or set them anew, then rotate again"
    )]
    Damaged { count: u64 },
    #[error(
        "the database has tables of the context '{context}', which this program does not have: it cannot tell whether secrets \
         of it are on the old key. Rotate with the program that has all contexts"
    )]
    UnknownContext { context: String },
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Bus(#[from] Refused),
    #[error("the relay of events could not start: {}", .0.chain())]
    Relay(Failure),
    #[error(
        "{address} is in use by another program. Stop that one, or choose another port with http.port \
         (SERVERTREE_HTTP__PORT); 0 takes any that is free"
    )]
    PortTaken { address: SocketAddr },
    #[error("{address} cannot be listened on: {source}. Check http.address and http.port")]
    Listen { address: SocketAddr, source: io::Error },
    #[error(
        "authorization.grpc_listen {address} cannot be listened on: {source}. Choose another one with \
         authorization.grpc_listen (SERVERTREE_AUTHORIZATION__GRPC_LISTEN); port 0 takes any that is free"
    )]
    GrpcListen { address: SocketAddr, source: io::Error },
    #[error(
        "authorization.grpc_listen is set, but no context here can answer who may do what: enable the one that does, with \
         contexts.enabled, or leave authorization.grpc_listen empty"
    )]
    NothingToAsk,
    #[error(transparent)]
    Remote(#[from] SetupError),
    #[error("{0}")]
    Admin(String),
    #[error("the HTTP server ended by itself: {0}")]
    ServerEnded(String),
    #[error("{0}")]
    Internal(String),
}

/// Makes the data folder, for this user alone, and checks that files can be made in it.
pub fn prepare_data_folder(data: &DataSettings) -> Result<(), StartError> {
    let folder = Path::new(&data.folder);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let probe = folder.join(format!(".write-test-{}", std::process::id()));
    builder
        .create(folder)
        .and_then(|()| std::fs::write(&probe, ""))
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(|source| StartError::DataFolder { folder: data.folder.clone(), source })
}

/// Opens the database that the configuration names; without one, the file in the data folder.
pub async fn open_database(config: &Config) -> Result<Database, StartError> {
    let default_file = Path::new(&config.data.folder).join("servertree.db");
    Ok(Database::connect(&config.database, &default_file).await?)
}

/// Opens the database that is there; makes none.
pub async fn open_existing_database(config: &Config) -> Result<Database, StartError> {
    let default_file = Path::new(&config.data.folder).join("servertree.db");
    Ok(Database::connect_existing(&config.database, &default_file).await?)
}

/// Connects to the cache that the configuration names; without one, there is none outside of the process.
pub async fn open_cache(config: &Config, database: &Database) -> Result<Option<RedisCache>, StartError> {
    if config.cache.url.is_empty() {
        return Ok(None);
    }
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(UuidV7Generator));
    Ok(Some(RedisCache::connect(&config.cache, database.description(), clock, ids).await?))
}

/// The keyring over the keys that the configuration gives; without any, those in the data folder.
pub fn keyring(config: &Config) -> Keyring {
    let folder = Path::new(&config.data.folder).join("keys");
    Keyring::new(KeySource::configured(&config.secrets.keys, &folder))
}
