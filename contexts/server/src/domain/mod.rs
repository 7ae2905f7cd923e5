//! What a server is, and the rules it keeps.

mod repository;
#[cfg(test)]
pub mod samples;
mod server;
mod values;

pub use repository::ServerRepository;
pub use server::{Server, ServerEvent, ServerState};
pub use values::{
    CpuCores, Environment, HddMib, OperatingSystem, OperatingSystemText, RamMib, ServerId, ServerName,
    Specification, Status,
};
