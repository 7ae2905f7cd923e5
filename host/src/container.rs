//! The container: which adapter is behind which port of the kernel.

use std::path::Path;
use std::sync::Arc;

use servertree_kernel::cache::{Cache, MemoryCache, MemoryCacheParameters, RedisCache, Store};
use servertree_kernel::clock::{SystemClock, UuidV7Generator};
use servertree_kernel::database::Database;
use servertree_kernel::files::{LocalFiles, LocalFilesParameters};
use servertree_kernel::permission::{PermissionChecker, PermissionSlot};
use servertree_kernel::plugin::Kernel;
use servertree_kernel::secrets::{Keyring, Secrets};
use servertree_kernel::settings::{ReadSections, Sections};
use servertree_kernel::uow::{DatabaseReads, DatabaseReadsParameters};
use shaku::module;

use crate::config::Config;

module! {
    HostModule: Kernel {
        components = [
            SystemClock,
            UuidV7Generator,
            PermissionSlot,
            Keyring,
            MemoryCache,
            LocalFiles,
            DatabaseReads,
            ReadSections
        ],
        providers = []
    }
}

/// The kernel's ports with the adapters of production. Values are cached in memory, unless there is a cache that processes share. `permissions` is filled when the contexts have registered, `keyring`
/// opened when the database is up to date.
pub fn kernel(
    config: &Config,
    permissions: PermissionSlot,
    keyring: Keyring,
    database: Database,
    shared_cache: Option<RedisCache>,
) -> Arc<dyn Kernel> {
    let memory = MemoryCacheParameters { store: Store::of(config.cache.bytes()) };
    let files = LocalFilesParameters { root: Path::new(&config.data.folder).join("files") };
    let mut builder = HostModule::builder();
    if let Some(cache) = shared_cache {
        builder = builder.with_component_override::<dyn Cache>(Box::new(cache));
    }
    Arc::new(
        builder
            .with_component_override::<dyn PermissionChecker>(Box::new(permissions))
            .with_component_override::<dyn Secrets>(Box::new(keyring))
            .with_component_parameters::<MemoryCache>(memory)
            .with_component_override::<dyn Sections>(Box::new(config.sections.clone()))
            .with_component_parameters::<LocalFiles>(files)
            .with_component_parameters::<DatabaseReads>(DatabaseReadsParameters { database })
            .build(),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use servertree_kernel::cache::Key;
    use servertree_kernel::files::{FileKey, FileStore};

    use super::*;

    #[tokio::test]
    async fn files_are_in_the_data_folder_and_values_are_kept_as_the_settings_say() {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::load(None).unwrap();
        config.data.folder = data.path().to_str().unwrap().to_owned();
        let database = Database::connect(&config.database, &data.path().join("test.db")).await.unwrap();
        for (size, loads) in [(64, 1), (0, 2)] {
            config.cache.size = size;
            let kernel = kernel(&config, PermissionSlot::empty(), Keyring::default(), database.clone(), None);
            let cache: Arc<dyn Cache> = kernel.resolve();
            let mut loaded = 0;
            for _ in 0..2 {
                let load = async {
                    loaded += 1;
                    Ok(loaded)
                };
                cache.get_or_load_json(Key::new("test"), Duration::from_secs(60), load).await.unwrap();
            }
            assert_eq!(loaded, loads, "with {size} MiB");

            let files: Arc<dyn FileStore> = kernel.resolve();
            let key = FileKey::parse(format!("exports/{size}.txt")).unwrap();
            files.save(&key, &mut "text".as_bytes()).await.unwrap();
            assert!(data.path().join("files").join(key.as_str()).is_file());
        }
    }
}
