//! The container: which adapter is behind which port of the kernel.

use std::sync::Arc;

use servertree_kernel::clock::{SystemClock, UuidV7Generator};
use servertree_kernel::permission::{PermissionChecker, PermissionSlot};
use servertree_kernel::plugin::Kernel;
use servertree_kernel::secrets::{Keyring, Secrets};
use shaku::module;

module! {
    HostModule: Kernel {
        components = [SystemClock, UuidV7Generator, PermissionSlot, Keyring],
        providers = []
    }
}

/// The kernel's ports with the adapters of production. `permissions` is filled when the contexts have registered, `keyring`
/// opened when the database is up to date.
pub fn kernel(permissions: PermissionSlot, keyring: Keyring) -> Arc<dyn Kernel> {
    Arc::new(
        HostModule::builder()
            .with_component_override::<dyn PermissionChecker>(Box::new(permissions))
            .with_component_override::<dyn Secrets>(Box::new(keyring))
            .build(),
    )
}
