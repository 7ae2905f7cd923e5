//! What a server is, and the rules it keeps.

mod credential;
mod credentials;
mod draft;
mod repository;
#[cfg(test)]
pub mod samples;
mod server;
mod values;

pub use credential::{
    ConnectionType, Credential, CredentialDraft, CredentialId, CredentialSpecification, Password, Port,
    RevealReason, Username,
};
pub use credentials::Credentials;
#[cfg(test)]
pub use draft::CredentialDrafts;
pub use draft::ServerDraft;
pub use repository::ServerRepository;
pub use server::{Server, ServerEvent, ServerState};
pub use values::{
    CpuCores, Environment, HddMib, OperatingSystem, OperatingSystemText, RamMib, ServerId, ServerName,
    Specification, Status,
};
