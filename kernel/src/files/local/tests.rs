//! Files in a local folder: what is kept, and what does not get out of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, DuplexStream, ReadBuf, duplex};

use super::*;
use crate::testkit::SequentialIds;

const DEADLINE: Duration = Duration::from_secs(20);

/// A store whose root is not made yet, and a folder outside of it with a file.
struct Fixture {
    folder: TempDir,
    files: LocalFiles,
}

impl Fixture {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let files = LocalFiles::new(folder.path().join("files"), Arc::new(SequentialIds::default()));
        fs::create_dir(folder.path().join("outside")).unwrap();
        fs::write(folder.path().join("outside/secret"), "secret").unwrap();
        Self { folder, files }
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    async fn save(&self, name: &str, mut content: &[u8]) -> Result<u64, FileError> {
        self.files.save(&key(name), &mut content).await
    }

    async fn read(&self, name: &str) -> Option<Vec<u8>> {
        Some(read(self.files.open(&key(name)).await.unwrap()?).await)
    }

    fn mode(&self, relative: &str) -> u32 {
        fs::metadata(self.path(relative)).unwrap().permissions().mode() & 0o7777
    }

    /// What is in a folder, drafts included.
    fn names(&self, relative: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(relative)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    async fn until_names_are(&self, relative: &str, expected: &[&str]) {
        let reached = async {
            while self.names(relative) != expected {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, reached).await.unwrap();
    }
}

fn key(name: &str) -> FileKey {
    FileKey::parse(name.to_owned()).unwrap()
}

async fn read(mut file: OpenFile) -> Vec<u8> {
    let mut content = Vec::new();
    file.content.read_to_end(&mut content).await.unwrap();
    assert_eq!(content.len() as u64, file.length);
    content
}

/// Content that comes as it is written to the other end. What was written was read, but for a few bytes.
fn slow_content() -> (DuplexStream, DuplexStream) {
    duplex(16)
}

/// Content whose source fails after its first part.
fn broken_off(part: &'static [u8]) -> impl AsyncRead + Send + Unpin {
    struct Broken;
    impl AsyncRead for Broken {
        fn poll_read(
            self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            _buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }
    part.chain(Broken)
}

#[tokio::test]
async fn what_is_saved_can_be_opened() {
    let test = Fixture::new();
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    for (name, content) in [("a", &b"abc"[..]), ("exports/2026/servers.csv", &large), ("exports/empty", b"")]
    {
        assert_eq!(test.save(name, content).await.unwrap(), content.len() as u64);
        assert!(test.read(name).await.unwrap() == content, "{name}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_none() {
    let test = Fixture::new();
    assert_eq!(test.read("a").await, None);
    assert!(!test.files.delete(&key("a/b")).await.unwrap());
    assert!(!test.path("files").exists(), "looking makes no folder");
    test.save("exports/a", b"1").await.unwrap();
    assert_eq!(test.read("exports/b").await, None);
    assert_eq!(test.read("other/a").await, None);
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_whoever_reads_it_reads_on() {
    let test = Fixture::new();
    test.save("exports/a", b"old").await.unwrap();
    let open = test.files.open(&key("exports/a")).await.unwrap().unwrap();
    assert!(test.files.delete(&key("exports/a")).await.unwrap());
    assert_eq!(test.read("exports/a").await, None);
    assert!(!test.files.delete(&key("exports/a")).await.unwrap());
    assert_eq!(read(open).await, b"old");
}

#[tokio::test]
async fn a_reader_sees_the_old_file_or_the_new_one() {
    let test = Fixture::new();
    test.save("a", b"old").await.unwrap();
    let open_before = test.files.open(&key("a")).await.unwrap().unwrap();
    let (mut source, mut content) = slow_content();
    let new = vec![b'n'; 1_000_000];
    let a = key("a");
    let saving = test.files.save(&a, &mut content);
    let reading = async {
        source.write_all(&new[..999_999]).await.unwrap();
        assert_eq!(test.read("a").await.unwrap(), b"old");
        source.write_all(&new[999_999..]).await.unwrap();
        drop(source);
    };
    let both = async { tokio::join!(saving, reading) };
    let (saved, ()) = tokio::time::timeout(DEADLINE, both).await.unwrap();
    assert_eq!(saved.unwrap(), 1_000_000);
    assert!(test.read("a").await.unwrap() == new);
    assert_eq!(read(open_before).await, b"old");
    assert_eq!(test.names("files"), ["a"]);
}

#[tokio::test]
async fn content_that_breaks_off_leaves_the_old_file() {
    let test = Fixture::new();
    test.save("a", b"old").await.unwrap();
    let mut broken = broken_off(b"new");
    let error = test.files.save(&key("a"), &mut broken).await.unwrap_err();
    assert_eq!(error.to_string(), "the file a could not be saved");
    assert_eq!(test.read("a").await.unwrap(), b"old");
    test.until_names_are("files", &["a"]).await;
}

#[tokio::test]
async fn a_save_that_is_given_up_leaves_the_old_file() {
    let test = Fixture::new();
    test.save("a", b"old").await.unwrap();
    let (mut source, mut content) = slow_content();
    let a = key("a");
    tokio::select! {
        saved = test.files.save(&a, &mut content) => panic!("{saved:?}, though its content goes on"),
        () = async { source.write_all(&[b'n'; 100]).await.unwrap() } => {}
    }
    assert_eq!(test.read("a").await.unwrap(), b"old");
    test.until_names_are("files", &["a"]).await;
}

#[tokio::test]
async fn of_those_who_save_at_once_one_is_last_and_whole() {
    let test = Fixture::new();
    let contents: Vec<Vec<u8>> = (0..8_u8).map(|number| vec![number; 300_000]).collect();
    let saves = contents.iter().map(|content| test.save("exports/a", content));
    for saved in futures_util::future::join_all(saves).await {
        assert_eq!(saved.unwrap(), 300_000);
    }
    assert!(contents.contains(&test.read("exports/a").await.unwrap()));
    assert_eq!(test.names("files/exports"), ["a"]);
}

#[tokio::test]
async fn folders_and_files_are_for_this_user_alone() {
    let test = Fixture::new();
    test.save("exports/2026/servers.csv", b"1").await.unwrap();
    for folder in ["files", "files/exports", "files/exports/2026"] {
        assert_eq!(test.mode(folder), 0o700, "{folder}");
    }
    assert_eq!(test.mode("files/exports/2026/servers.csv"), 0o600);
}

#[tokio::test]
async fn a_folder_that_is_a_link_leads_nowhere() {
    let test = Fixture::new();
    test.save("inside/a", b"inside").await.unwrap();
    for (link, target) in
        [("absolute", test.path("outside")), ("relative", "../outside".into()), ("within", "inside".into())]
    {
        symlink(target, test.path("files").join(link)).unwrap();
        for name in [format!("{link}/secret"), format!("{link}/a"), format!("{link}/new/a")] {
            assert!(test.save(&name, b"changed").await.is_err(), "{name}");
            assert!(test.files.open(&key(&name)).await.is_err(), "{name}");
            assert!(test.files.delete(&key(&name)).await.is_err(), "{name}");
        }
    }
    assert_eq!(fs::read(test.path("outside/secret")).unwrap(), b"secret");
    assert_eq!(test.names("outside"), ["secret"]);
    assert_eq!(test.read("inside/a").await.unwrap(), b"inside");
}

#[tokio::test]
async fn a_file_that_is_a_link_is_not_followed() {
    let test = Fixture::new();
    test.save("a", b"inside").await.unwrap();
    for (link, target) in [("b", "../outside/secret"), ("c", "../outside/new"), ("d", "a")] {
        symlink(target, test.path("files").join(link)).unwrap();
        assert!(test.files.open(&key(link)).await.is_err(), "{link}");
    }
    // The link itself is replaced, or deleted.
    test.save("b", b"changed").await.unwrap();
    test.save("c", b"changed").await.unwrap();
    assert!(test.files.delete(&key("d")).await.unwrap());
    assert_eq!(test.read("b").await.unwrap(), b"changed");
    assert_eq!(test.read("a").await.unwrap(), b"inside");
    assert_eq!(fs::read(test.path("outside/secret")).unwrap(), b"secret");
    assert_eq!(test.names("outside"), ["secret"]);
}

#[tokio::test]
async fn a_key_is_a_file_or_a_folder() {
    let test = Fixture::new();
    test.save("exports/a", b"1").await.unwrap();
    for name in ["exports", "exports/a/b"] {
        assert!(test.save(name, b"2").await.is_err(), "{name}");
        assert!(test.files.open(&key(name)).await.is_err(), "{name}");
        assert!(test.files.delete(&key(name)).await.is_err(), "{name}");
    }
    assert_eq!(test.read("exports/a").await.unwrap(), b"1");
    test.until_names_are("files", &["exports"]).await;
}

#[tokio::test]
async fn what_is_no_file_is_not_opened() {
    let test = Fixture::new();
    test.save("a", b"1").await.unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        test.path("files/pipe"),
        rustix::fs::FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .unwrap();
    let opened = tokio::time::timeout(DEADLINE, test.files.open(&key("pipe"))).await.unwrap();
    assert!(opened.is_err());
}
