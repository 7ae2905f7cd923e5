//! How contexts plug in: the manifest, what it registers, and how all of it is put together.

mod assembly;
mod context;
mod registry;
mod service;

pub(crate) use assembly::kernel_migrations;
pub use assembly::{Application, AssemblyError, Parts, migrations};
pub use context::{Context, Kernel, Registered};
pub use registry::{Registry, UseCase};
pub use service::Started;
