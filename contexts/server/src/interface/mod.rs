//! How the context is reached.

mod applications;
mod credentials;
mod history;
pub mod http;
