//! What a server is, and the rules it keeps.

mod application;
mod credential;
mod credentials;
mod draft;
mod installation;
mod installations;
mod repository;
#[cfg(test)]
pub mod samples;
mod server;
mod values;

pub use application::{Application, ApplicationId};
pub use credential::{
    ConnectionType, Credential, CredentialDraft, CredentialId, CredentialSpecification, CredentialUsername,
    Password, Port, RevealReason,
};
pub use credentials::Credentials;
pub use draft::ServerDraft;
#[cfg(test)]
pub use draft::{CredentialDrafts, InstallationDrafts};
#[cfg(test)]
pub use installation::InstallationDraft;
pub use installation::{Directories, Directory, Installation};
pub use installations::Installations;
pub use repository::{ApplicationRepository, ServerRepository};
pub use server::{Server, ServerEvent, ServerState};
pub use values::{
    CpuCores, Environment, HddMib, OperatingSystem, OperatingSystemText, RamMib, ServerId, ServerName,
    Specification, Status,
};
