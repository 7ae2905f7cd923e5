//! What both ends need before they start: certificates, and what can be wrong with them.

use std::{fs, io};

use thiserror::Error;

use crate::problem::chain;

/// An end could not be set up: which setting it is about, and what is wrong.
#[derive(Debug, Error)]
pub enum SetupError {
    /// A file is not there, or may not be read.
    #[error("authorization.{key} names {path}, which cannot be read: {source}")]
    Unreadable {
        /// Which setting names it.
        key: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A setting cannot be used.
    #[error("authorization.{key} cannot be used: {fault}")]
    Unusable {
        /// Which.
        key: &'static str,
        /// Why not.
        fault: String,
    },
}

impl SetupError {
    pub(super) fn unusable(key: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Unusable { key, fault: chain(error) }
    }
}

/// The file that the setting `key` names, which has to have a PEM block of a kind.
pub(super) fn read_pem(key: &'static str, path: &str, kind: &str) -> Result<String, SetupError> {
    let text = fs::read_to_string(path).map_err(|source| SetupError::Unreadable {
        key,
        path: path.to_owned(),
        source,
    })?;
    let is_pem = text.lines().any(|line| line.starts_with("-----BEGIN ") && line.contains(kind));
    let fault = || format!("{path} has no PEM block with a {kind}");
    if is_pem { Ok(text) } else { Err(SetupError::Unusable { key, fault: fault() }) }
}
