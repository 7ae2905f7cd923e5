//! The contexts of this program, each behind a feature of its name. The one place that names them.
//!
//! `use … as _` links the crate; without it, whatever Cargo.toml says, a context registers nothing.

#[cfg(feature = "application")]
use servertree_application as _;
#[cfg(feature = "authorization")]
use servertree_authorization as _;
#[cfg(feature = "server")]
use servertree_server as _;
