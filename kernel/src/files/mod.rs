//! Files by name, for what is too large or too lasting for the database's rows: exports, uploads.
//!
//! Keys are names below a root, and cannot be anything else (see [`FileKey`]). Content streams in and out: nobody needs
//! the memory for all of it.

mod key;
mod local;

use std::io;

use async_trait::async_trait;
use shaku::Interface;
use thiserror::Error;
use tokio::io::AsyncRead;

pub use key::FileKey;
pub use local::{LocalFiles, LocalFilesParameters};

use crate::problem::{INTERNAL, Problem, ProblemType};

/// Keeps files. A key is a file or a folder of others, never both: to use it as the other is an error.
#[async_trait]
pub trait FileStore: Interface {
    /// Saves all of `content` under the key, in the place of what is there; answers its length in bytes. (Bytes are
    /// content, too: `&mut &bytes[..]`.)
    ///
    /// Whoever opens the key meanwhile gets the old file or the new one, whole. After an error, a crash, or when the
    /// caller goes away, the old one is still there. When it is answered, the new one is lasting.
    async fn save(
        &self,
        key: &FileKey,
        content: &mut (dyn AsyncRead + Send + Unpin),
    ) -> Result<u64, FileError>;

    /// The file as it is now, whatever is saved or deleted while it is read; none if there is none.
    async fn open(&self, key: &FileKey) -> Result<Option<OpenFile>, FileError>;

    /// Deletes the file; whether there was one.
    async fn delete(&self, key: &FileKey) -> Result<bool, FileError>;
}

/// A file to read from.
pub struct OpenFile {
    /// Its length, in bytes.
    pub length: u64,
    /// What is in it.
    pub content: Box<dyn AsyncRead + Send + Unpin>,
}

/// A file could not be saved, opened or deleted: the disk is full, its folder is a link, the content broke off.
#[derive(Debug, Error)]
#[error("the file {key} could not be {wanted}")]
pub struct FileError {
    key: FileKey,
    wanted: &'static str,
    source: io::Error,
}

impl Problem for FileError {
    fn problem(&self) -> &'static ProblemType {
        &INTERNAL
    }
}
