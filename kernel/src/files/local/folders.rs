//! The way to a key's folder.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, fsync, mkdirat, openat};
use rustix::io::Errno;

use crate::files::FileKey;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens the folder that the file of the key is in.
pub fn open_folder(root: &Path, key: &FileKey) -> io::Result<OwnedFd> {
    key.folders().try_fold(open_root(root)?, |folder, name| open_below(&folder, name))
}

/// The same, with what is missing of it made.
pub fn make_folder(root: &Path, key: &FileKey) -> io::Result<OwnedFd> {
    make_root(root)?;
    key.folders().try_fold(open_root(root)?, |folder, name| {
        match mkdirat(&folder, name, Mode::RWXU) {
            // Made lasting in either case: whoever made it may not have got to this yet.
            Ok(()) | Err(Errno::EXIST) => fsync(&folder)?,
            Err(error) => return Err(error.into()),
        }
        open_below(&folder, name)
    })
}

fn make_root(root: &Path) -> io::Result<()> {
    if root.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(root)?;
    let parent = root.parent().filter(|parent| *parent != Path::new(""));
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// The root may be a link: it is the operator's.
fn open_root(root: &Path) -> io::Result<OwnedFd> {
    Ok(openat(CWD, root, FOLDER, Mode::empty())?)
}

fn open_below(folder: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    Ok(openat(folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?)
}
