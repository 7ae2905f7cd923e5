//! Authorization in another process: both ends of the wire, over gRPC.
//!
//! [`GrpcServer`] answers others what the ports of a context answer here. [`RemotePermissionChecker`] and [`RemoteTokenVerifier`] ask
//! such a server. They fail closed: whatever goes wrong between the two, nothing is permitted and nobody is known.

mod memory;
mod peer;
mod peer_secret;
mod permission_checker;
mod properties;
mod server;
mod service;
mod settings;
mod setup;
mod token_verifier;

/// What is spoken: generated from `kernel/proto/authorization.proto`.
pub mod wire {
    #![expect(
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated code has them"
    )]

    tonic::include_proto!("authorization");

    /// What reflection tells about it.
    pub const DESCRIPTION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/authorization.bin"));
}

pub use memory::REMEMBERED;
pub use peer::Peer;
pub use permission_checker::RemotePermissionChecker;
pub use server::GrpcServer;
pub use service::Ports;
pub use settings::Settings;
pub use setup::SetupError;
pub use token_verifier::RemoteTokenVerifier;

/// Checks in one call at most.
pub const MAX_CHECKS: usize = 1_000;

/// The name of the service.
const SERVICE: &str = "authorization.AuthorizationService";
