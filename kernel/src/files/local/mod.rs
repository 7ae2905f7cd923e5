//! Files in a folder of this machine.
//!
//! A key is walked name by name, each opened in the folder before it and never as a link (`openat` with `O_NOFOLLOW`):
//! a link that somebody put below the root leads nowhere, also if it is put there while we walk. What cap-std does
//! beyond that, resolving `..` and links within a sandbox, a [`FileKey`] leaves no need for; and rustix alone is two
//! crates, not eleven. The root itself may be a link: it is the operator's.
//!
//! All of this blocks, and runs off the async threads. A crash while a file is saved leaves its draft behind, which no
//! key names; `find data/files -name '.draft-*' -mtime +1 -delete` sweeps.

mod draft;
mod folders;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rustix::fs::{AtFlags, Mode, OFlags, fsync, openat, unlinkat};
use shaku::Component;
use tokio::io::{AsyncRead, AsyncWriteExt, BufReader};

use self::draft::{Draft, DroppedOffAsync};
use self::folders::open_folder;
use super::{FileError, FileKey, FileStore, OpenFile};
use crate::clock::IdGenerator;

/// How much is read or written at once: each time, another thread does it.
const CHUNK: usize = 256 * 1024;

/// Keeps files in a folder, which is made when the first is saved. Folders and files are for this user alone.
#[derive(Component)]
#[shaku(interface = FileStore)]
pub struct LocalFiles {
    /// The folder.
    root: PathBuf,
    /// Names the drafts.
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

impl LocalFiles {
    /// The files in the folder `root`.
    pub fn new(root: impl Into<PathBuf>, ids: Arc<dyn IdGenerator>) -> Self {
        Self { root: root.into(), ids }
    }

    async fn save_all(&self, key: &FileKey, content: &mut (dyn AsyncRead + Send + Unpin)) -> io::Result<u64> {
        let id = self.ids.next();
        let (draft, file) = self.blocking(key, move |root, key| Draft::begin(root, key, id)).await?;
        let draft = DroppedOffAsync::new(draft);
        let length = write(file, content).await?;
        off_async(move || draft.into_inner().map_or(Ok(()), Draft::keep)).await?;
        Ok(length)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        key: &FileKey,
        work: impl FnOnce(&Path, &FileKey) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (root, key) = (self.root.clone(), key.clone());
        off_async(move || work(&root, &key)).await
    }
}

#[async_trait]
impl FileStore for LocalFiles {
    async fn save(
        &self,
        key: &FileKey,
        content: &mut (dyn AsyncRead + Send + Unpin),
    ) -> Result<u64, FileError> {
        let saved = self.save_all(key, content).await;
        saved.map_err(|source| FileError { key: key.clone(), wanted: "saved", source })
    }

    async fn open(&self, key: &FileKey) -> Result<Option<OpenFile>, FileError> {
        let opened = self.blocking(key, |root, key| if_there(open(root, key))).await;
        opened.map_err(|source| FileError { key: key.clone(), wanted: "opened", source })
    }

    async fn delete(&self, key: &FileKey) -> Result<bool, FileError> {
        let deleted = self.blocking(key, |root, key| if_there(delete(root, key))).await;
        let deleted = deleted.map(|deleted| deleted.is_some());
        deleted.map_err(|source| FileError { key: key.clone(), wanted: "deleted", source })
    }
}

async fn write(file: File, content: &mut (dyn AsyncRead + Send + Unpin)) -> io::Result<u64> {
    let mut file = tokio::fs::File::from_std(file);
    let length = tokio::io::copy_buf(&mut BufReader::with_capacity(CHUNK, content), &mut file).await?;
    file.flush().await?;
    file.sync_all().await?;
    Ok(length)
}

fn open(root: &Path, key: &FileKey) -> io::Result<OpenFile> {
    let folder = open_folder(root, key)?;
    // Were it a pipe, opening it would wait for somebody who writes to it.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(&folder, key.name(), flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let content = BufReader::with_capacity(CHUNK, tokio::fs::File::from_std(file));
    Ok(OpenFile { length: metadata.len(), content: Box::new(content) })
}

fn delete(root: &Path, key: &FileKey) -> io::Result<()> {
    let folder = open_folder(root, key)?;
    unlinkat(&folder, key.name(), AtFlags::empty())?;
    Ok(fsync(&folder)?)
}

fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Does blocking work where it holds up nobody.
async fn off_async<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
