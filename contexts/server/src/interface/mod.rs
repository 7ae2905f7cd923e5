//! How the context is reached.

mod credentials;
pub mod http;
