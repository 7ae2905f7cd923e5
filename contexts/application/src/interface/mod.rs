//! How the context is reached.

pub mod http;
