//! Where keys come from: a folder of our own, or what the configuration gives.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use super::key::{Key, KeyFormatError};

/// Files of this kind in a folder are keys, all others are not looked at.
const EXTENSION: &str = "key";

/// Where keys come from.
#[derive(Clone)]
pub enum KeySource {
    /// A folder of files, into which new keys are put.
    Folder(PathBuf),
    /// Keys that somebody else keeps, the most recent first: their texts, or the paths of files or folders with them.
    Given(Vec<String>),
}

/// Keys cannot be read or kept: the message says which and why, and shows none.
#[derive(Debug, Error)]
pub enum KeySourceError {
    /// A file or folder cannot be read.
    #[error("the key file or folder {} cannot be read: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("the key file {} cannot be written: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Reading them broke off.
    #[error("the keys could not be read")]
    BrokenOff,
    /// What should be a key is none.
    #[error("{origin} {fault}")]
    Format {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        fault: KeyFormatError,
    },
}

impl KeySource {
    /// The source that the setting `secrets.keys` names: keys or paths with commas between them; empty: `folder`.
    pub fn configured(setting: &str, folder: &Path) -> Self {
        let entries: Vec<String> = setting
            .split(',')
            .map(|entry| entry.trim().to_owned())
            .filter(|entry| !entry.is_empty())
            .collect();
        if entries.is_empty() { Self::Folder(folder.to_owned()) } else { Self::Given(entries) }
    }

    /// All keys, in the order in which they are given.
    pub(super) fn read(&self) -> Result<Vec<Key>, KeySourceError> {
        match self {
            Self::Folder(folder) if folder.exists() => read_folder(folder),
            Self::Folder(_) => Ok(Vec::new()),
            Self::Given(entries) => {
                let mut keys = Vec::new();
                for (position, entry) in entries.iter().enumerate() {
                    if Key::is_meant(entry) {
                        let origin = format!("entry {} of secrets.keys", position + 1);
                        keys.push(
                            Key::parse(entry).map_err(|fault| KeySourceError::Format { origin, fault })?,
                        );
                    } else if Path::new(entry).is_dir() {
                        keys.extend(read_folder(Path::new(entry))?);
                    } else {
                        keys.push(read_file(Path::new(entry))?);
                    }
                }
                Ok(keys)
            }
        }
    }

    /// What it is, for people.
    pub fn description(&self) -> String {
        match self {
            Self::Folder(folder) => format!("the folder {}", folder.display()),
            Self::Given(entries) if entries.len() == 1 => "the setting secrets.keys (1 entry)".to_owned(),
            Self::Given(entries) => format!("the setting secrets.keys ({} entries)", entries.len()),
        }
    }
}

/// Puts a key into a folder, lasting, for this user alone. It is there as a whole or not at all.
pub(super) fn keep(folder: &Path, key: &Key) -> Result<(), KeySourceError> {
    let path = folder.join(format!("{}.{EXTENSION}", key.id()));
    let unfinished = folder.join(format!("{}.new", key.id()));
    let write = || -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&unfinished)?;
        file.write_all(key.expose().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|source| KeySourceError::Write { path: path.clone(), source })
}

/// By name, so that the order does not depend on the file system.
fn read_folder(folder: &Path) -> Result<Vec<Key>, KeySourceError> {
    let failed = |source| KeySourceError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(path);
        }
    }
    files.sort();
    files.iter().map(|file| read_file(file)).collect()
}

fn read_file(path: &Path) -> Result<Key, KeySourceError> {
    let text = fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|source| KeySourceError::Read { path: path.to_owned(), source })?;
    warn_if_open_to_others(path);
    let origin = || format!("the key file {}", path.display());
    Key::parse(&text).map_err(|fault| KeySourceError::Format { origin: origin(), fault })
}

/// Only a warning: secrets that an orchestrator mounts often are readable for all in their container.
#[cfg(unix)]
fn warn_if_open_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        tracing::warn!(file = %path.display(), mode = format!("{:o}", mode & 0o777), "other users can read this key");
    }
}

#[cfg(not(unix))]
fn warn_if_open_to_others(_: &Path) {}
