//! A file on its way to be saved.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, fsync, openat, renameat, unlinkat};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::folders::make_folder;
use crate::files::FileKey;

/// A file that is not saved yet. Until it is kept it has a name that is no key's, in the folder of its key; when it is
/// not, it is deleted.
pub struct Draft {
    folder: OwnedFd,
    draft_name: String,
    name: String,
    kept: bool,
}

impl Draft {
    /// A new one, and the file to write to.
    pub fn begin(root: &Path, key: &FileKey, id: Uuid) -> io::Result<(Self, File)> {
        let folder = make_folder(root, key)?;
        let draft_name = format!(".draft-{id}");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&folder, &draft_name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok((Self { folder, draft_name, name: key.name().to_owned(), kept: false }, File::from(file)))
    }

    /// Puts it in the place of what is there, lastingly.
    pub fn keep(mut self) -> io::Result<()> {
        renameat(&self.folder, &self.draft_name, &self.folder, &self.name)?;
        self.kept = true;
        Ok(fsync(&self.folder)?)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = unlinkat(&self.folder, &self.draft_name, AtFlags::empty())
        {
            tracing::warn!(file = self.draft_name, %error, "a file that was not saved is left behind");
        }
    }
}

/// Takes what is in it off the async threads to be dropped, also when a request is given up half way.
pub struct DroppedOffAsync<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> DroppedOffAsync<T> {
    pub fn new(inner: T) -> Self {
        Self(Some(inner))
    }

    pub fn into_inner(mut self) -> Option<T> {
        self.0.take()
    }
}

impl<T: Send + 'static> Drop for DroppedOffAsync<T> {
    fn drop(&mut self) {
        // A runtime that is ending runs nothing more, and drops it by itself.
        if let Some(inner) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn_blocking(move || drop(inner)));
        }
    }
}
