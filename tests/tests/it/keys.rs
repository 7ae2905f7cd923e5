//! The keys that protect secrets and sign tokens: made once, never made anew in silence, rotated under load and through kills.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use servertree_tests::{
    DEADLINE, Engine, Program, Service, TestConnection, TestDatabase, command, eventually, only_on, server,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::starting::run;

async fn register(service: &Service, name: &str, passwords: &[String]) -> Value {
    let one = |password: &String| json!({"connection_type": "ssh", "username": "root", "password": password});
    let mut body = server(name);
    body["credentials"] = passwords.iter().map(one).collect();
    let answer = service.post("/api/v1/servers", &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// The passwords of a server, one reveal for each.
async fn passwords(service: &Service, server: &Value) -> Vec<String> {
    let credentials = server["credentials"].as_array().unwrap().iter();
    let reveals = credentials.map(|credential| {
        let (server, credential) = (server["id"].as_str().unwrap(), credential["id"].as_str().unwrap());
        let path = format!("/api/v1/servers/{server}/credentials/{credential}/reveal");
        async move { service.post(&path, &json!({"reason": "test"})).await }
    });
    let answers = join_all(reveals).await;
    answers.iter().map(|answer| answer.json()["password"].as_str().unwrap_or_default().to_owned()).collect()
}

fn key_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(folder.join("data/keys")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

#[tokio::test]
async fn keys_are_made_with_the_database_and_never_again() {
    let service = Service::start().await;
    let web = register(&service, "web-1", &["hunter2".to_owned()]).await;
    let files = key_files(service.folder());
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    let purposes: Vec<_> = names.iter().map(|name| name.split('-').next().unwrap()).collect();
    assert_eq!(purposes, ["master", "pepper", "token"]);
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    let folder = files[0].parent().unwrap().to_owned();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);

    // Started again, it uses them again.
    let service = service.stop().await.start().await;
    assert_eq!(
        (passwords(&service, &web).await, key_files(service.folder())),
        (vec!["hunter2".to_owned()], files.clone())
    );
    let folder_of_service = service.folder().to_owned();
    let builder = service.stop().await;

    // Lost, they are asked for, and none is made.
    let away = folder_of_service.join("away");
    fs::rename(&folder, &away).unwrap();
    let (status, output, error) = run(&folder_of_service, &[], &[]);
    assert_eq!(status, 2, "{output}{error}");
    let id = names[0].trim_end_matches(".key");
    for word in [id, "master", "data/keys", "secrets.keys", "backup"] {
        assert!(error.contains(word), "no {word} in: {error}");
    }
    assert!(!folder.exists());

    // Nor is one taken that only has the name.
    fs::create_dir(&folder).unwrap();
    for file in &files {
        let text = fs::read_to_string(away.join(file.file_name().unwrap())).unwrap();
        let (name, _) = text.rsplit_once('.').unwrap();
        fs::write(file, format!("{name}.{}", "A".repeat(43))).unwrap();
    }
    let (status, _, error) = run(&folder_of_service, &[], &[]);
    assert!(status == 2 && error.contains("other bytes") && !error.contains("AAAA"), "{error}");
    for (text, said) in [("", "is no key"), ("stkey1.master.a.b", "32 bytes"), ("\u{1}\u{2}", "is no key")] {
        fs::write(&files[0], text).unwrap();
        let (status, _, error) = run(&folder_of_service, &[], &[]);
        assert!(status == 2 && error.contains(said) && error.contains(names[0]), "{error}");
    }

    // Named where they are now, they are found.
    let service = builder.set("secrets.keys", away.to_str().unwrap()).start().await;
    assert_eq!(passwords(&service, &web).await, ["hunter2"]);
    service.stop().await;
}

/// Processes that start together on one new folder make one key of each purpose, and all of them use it.
#[tokio::test]
async fn those_that_start_together_share_their_keys() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data").display().to_string();
    let database = Arc::new(TestDatabase::new(&folder.path().join("test.db")).await);
    let start = |_| Service::builder().set("data.folder", &data).database(&database).start();
    let services = join_all((0..4).map(start)).await;
    assert_eq!(key_files(folder.path()).len(), 3);
    let web = register(&services[0], "web-1", &["hunter2".to_owned()]).await;
    for service in services {
        assert_eq!(passwords(&service, &web).await, ["hunter2"]);
        service.stop().await;
    }
}

/// Keys can be given, as files and as they are; then none is made.
#[tokio::test]
async fn keys_are_taken_from_the_configuration() {
    let folder = TempDir::new().unwrap();
    let generate = |purpose: &str| {
        let (status, key, error) = run(folder.path(), &["keys", "generate", purpose], &[]);
        assert_eq!(status, 0, "{error}");
        key.trim().to_owned()
    };
    let (master, next, pepper) = (generate("master"), generate("master"), generate("pepper"));
    let (token, next_token) = (generate("token"), generate("token"));
    let file = folder.path().join("pepper");
    fs::write(&file, &pepper).unwrap();
    for (given, missing) in [(&master, "pepper"), (&format!("{master},{pepper}"), "token")] {
        let (status, _, error) = run(folder.path(), &[], &[("SERVERTREE_SECRETS__KEYS", given)]);
        assert!(
            status == 2
                && error.contains(&format!("no {missing} key"))
                && error.contains(&format!("keys generate {missing}")),
            "{error}"
        );
    }
    let given = format!("{master}, {}, {token}", file.display());
    let (_, shown, _) = run(folder.path(), &["config"], &[("SERVERTREE_SECRETS__KEYS", &given)]);
    let (name, bytes) = master.rsplit_once('.').unwrap();
    assert!(shown.contains(&format!("{name}.***")) && !shown.contains(bytes), "{shown}");

    let service = Service::builder().set("secrets.keys", &given).start().await;
    let web = register(&service, "web-1", &["hunter2".to_owned()]).await;
    assert!(!service.folder().join("data/keys").exists());
    let place = service.folder().to_owned();
    for purpose in ["master", "token"] {
        let (status, _, error) =
            run(&place, &["keys", "rotate", purpose], &[("SERVERTREE_SECRETS__KEYS", &given)]);
        assert!(
            status == 2
                && error.contains(&format!("the first {purpose} key"))
                && error.contains("Put a new one before it"),
            "{error}"
        );
    }
    // The service gets to know the new key first, then all is wrapped with it.
    let both = format!("{next},{next_token},{given}");
    let service = service.stop().await.set("secrets.keys", &both).start().await;
    let (status, output, error) = run(&place, &["keys", "rotate"], &[("SERVERTREE_SECRETS__KEYS", &both)]);
    assert_eq!(status, 0, "{error}");
    assert!(output.contains("1 secrets were wrapped") && output.contains("no longer needs"), "{output}");
    let (status, output, error) =
        run(&place, &["keys", "rotate", "token"], &[("SERVERTREE_SECRETS__KEYS", &both)]);
    assert!(status == 0 && output.contains(next_token.split('.').nth(2).unwrap()), "{output}{error}");
    assert_eq!(passwords(&service, &web).await, ["hunter2"]);
    let (_, listed, _) = run(&place, &["keys", "list"], &[("SERVERTREE_SECRETS__KEYS", &next)]);
    let line = |key: &str| {
        let id = key.split('.').nth(2).unwrap();
        listed
            .lines()
            .find(|line| line.contains(id))
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(line(&master)[1..4], ["master", "retired", "NO"], "{listed}");
    assert_eq!(line(&next)[1..4], ["master", "active", "yes"], "{listed}");
    assert_eq!(line(&token)[1..3], ["token", "retiring"], "{listed}");
    assert_eq!(line(&next_token)[1..3], ["token", "active"], "{listed}");
    assert!(!service.log().contains(bytes));
    service.stop().await;
}

/// The ids of the published keys, in order.
async fn published(service: &Service) -> Vec<String> {
    let answer = service.get("/.well-known/jwks.json").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-cache"), "{answer:?}");
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    for key in &keys {
        let fixed = ["kty", "crv", "alg", "use"].map(|field| key[field].as_str().unwrap());
        assert_eq!(fixed, ["OKP", "Ed25519", "EdDSA", "sig"], "{key}");
        let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
        assert!(public.len() == 32 && key.as_object().unwrap().len() == 6, "{key}");
    }
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Who verifies tokens gets the old key and the new one, of a service that goes on running.
#[tokio::test]
async fn the_token_key_is_rotated_while_the_service_runs() {
    let service = Service::start().await;
    let before = published(&service).await;
    assert_eq!(before.len(), 1);
    let place = service.folder().to_owned();
    let (status, output, error) = run(&place, &["keys", "rotate", "token"], &[]);
    assert_eq!(status, 0, "{error}");
    let both = eventually("both keys are published", async || {
        Some(published(&service).await).filter(|published| published.len() == 2)
    })
    .await;
    assert!(both[0] == before[0] && output.contains(&both[0]) && output.contains(&both[1]), "{output}");
    // No secret key is published: not a word of the files is.
    let answer = service.get("/.well-known/jwks.json").await.body;
    for file in key_files(&place) {
        let text = fs::read_to_string(file).unwrap();
        assert!(!answer.contains(text.trim().rsplit('.').next().unwrap()));
    }
    let (_, listed, _) = run(&place, &["keys", "list"], &[]);
    let states: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|line| line[1] == "token")
        .map(|line| line[..4].to_vec())
        .collect();
    assert_eq!(states, [[&both[0], "token", "retiring", "yes"], [&both[1], "token", "active", "yes"]]);
    // A rotation of the master key is none of its business, nor the other way round.
    let (status, _, error) = run(&place, &["keys", "rotate"], &[]);
    assert!(status == 0 && !error.contains("has not ended"), "{error}");
    // Started anew, it still has both.
    let service = service.stop().await.start().await;
    assert_eq!(published(&service).await, both);
    assert!(!service.log().contains("has not ended"), "{}", service.log());
    service.stop().await;
}

/// Kills the rotation five times in its middle, while others read and write: every secret stays readable, the rotation ends,
/// and none is left on an old key.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_survives_kills_under_load() {
    let service = Service::builder().set("log.level", "warn").start().await;
    let of = |number: usize| (0..100).map(|of| format!("password-{number}-{of}")).collect::<Vec<_>>();
    let names: Vec<_> = (0..30).map(|number| (format!("web-{number}"), of(number))).collect();
    let servers = join_all(names.iter().map(|(name, passwords)| register(&service, name, passwords))).await;

    let done = AtomicBool::new(false);
    let load = async |client: usize| {
        let mut added = Vec::new();
        while !done.load(Ordering::SeqCst) {
            let name = format!("guest-{client}-{}", added.len());
            let password = format!("password-of-{name}");
            let guest = register(&service, &name, std::slice::from_ref(&password)).await;
            let known = added.len() % servers.len();
            assert_eq!(passwords(&service, &guest).await, [password.as_str()]);
            assert!(
                service
                    .get(&format!("/api/v1/servers/{}", servers[known]["id"].as_str().unwrap()))
                    .await
                    .status
                    == 200
            );
            added.push((guest, password));
        }
        added
    };
    let rotate = async {
        let mut kills = 0;
        for _ in 0..50 {
            kills += usize::from(kill_in_the_middle(&service).await);
            if kills == 5 {
                break;
            }
        }
        assert_eq!(kills, 5, "the rotation was never in its middle");
        let ended = tokio::time::timeout(DEADLINE, rotation(&service).wait()).await.unwrap().unwrap();
        assert!(ended.success(), "{}", fs::read_to_string(service.folder().join("rotation")).unwrap());
        done.store(true, Ordering::SeqCst);
    };
    let (added, ()) = tokio::join!(join_all((0..4).map(load)), rotate);
    let added: Vec<_> = added.into_iter().flatten().collect();
    assert!(!added.is_empty(), "nobody wrote meanwhile");

    for (server, (_, expected)) in servers.iter().zip(&names) {
        assert_eq!(passwords(&service, server).await, *expected);
    }
    for (guest, password) in &added {
        assert_eq!(passwords(&service, guest).await, [password.as_str()]);
    }
    let mut database = service.database().await;
    let left = not_wrapped(&mut database).await;
    let mut keys = async |state| {
        database.count(&format!("SELECT COUNT(*) FROM secret_keys WHERE state = '{state}'")).await
    };
    let (retiring, retired) = (keys("retiring").await, keys("retired").await);
    assert!(
        left == 0 && retiring == 0 && retired >= 1,
        "{left} secrets left, {retiring} keys retiring, {retired} retired"
    );
    database.close().await;
    service.stop().await;
}

fn rotation(service: &Service) -> Child {
    let output =
        fs::File::options().create(true).append(true).open(service.folder().join("rotation")).unwrap();
    Command::from(command(Program::Servertree, service.folder()))
        .args(["keys", "rotate"])
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Starts or resumes a rotation and kills it when it has got further, before its end; answers whether it was so.
async fn kill_in_the_middle(service: &Service) -> bool {
    let mut database = service.database().await;
    let before = not_wrapped(&mut database).await;
    let mut rotation = rotation(service);
    let mut ended = false;
    eventually("the rotation gets further", async || {
        ended = rotation.try_wait().unwrap().is_some();
        let left = not_wrapped(&mut database).await;
        // Just begun, all are on the old key; each batch makes them fewer.
        let got_further = left > 0 && (before == 0 || left < before);
        (got_further || ended).then_some(())
    })
    .await;
    rotation.kill().await.unwrap();
    let left = not_wrapped(&mut database).await;
    database.close().await;
    !ended && left > 0
}

/// How many secrets are on a key that is not the active one.
async fn not_wrapped(database: &mut TestConnection) -> i64 {
    let select = "SELECT COUNT(*) FROM server_credentials WHERE password_key NOT IN \
        (SELECT id FROM secret_keys WHERE state = 'active')";
    database.count(select).await
}

/// In the wrong folder nothing is made, and nobody is told that all is well.
#[test]
fn without_a_database_there_is_nothing_to_rotate() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let folder = TempDir::new().unwrap();
    for command in ["rotate", "list"] {
        let (status, output, error) = run(folder.path(), &["keys", command], &[]);
        assert!(
            status == 2 && error.contains("there is no database at data/servertree.db"),
            "{output}{error}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Secrets of a context that the program does not have would be left behind on a key that is let go.
#[tokio::test]
async fn a_program_without_all_contexts_does_not_rotate() {
    let service = Service::probed().start().await;
    let (status, _, error) = run(service.folder(), &["keys", "rotate"], &[]);
    assert!(status == 2 && error.contains("'probe'"), "{error}");
    let (_, listed, _) = run(service.folder(), &["keys", "list"], &[]);
    assert!(!listed.contains("retiring"), "{listed}");
    service.stop().await;
}

/// What does not open is told of, stays as it is, and keeps its key from being let go.
#[tokio::test]
async fn damaged_secrets_are_no_reason_to_lose_the_others() {
    let service = Service::start().await;
    let web = register(&service, "web-1", &["a".to_owned(), "b".to_owned(), "c".to_owned()]).await;
    let mut database = service.database().await;
    let id: uuid::Uuid = web["credentials"][1]["id"].as_str().unwrap().parse().unwrap();
    let damage = "UPDATE server_credentials SET password_sealed = substr(password_sealed, 1, 70) WHERE id = ";
    database.execute(&format!("{damage}{}", database.engine().literal(id))).await;
    database.close().await;
    let place = service.folder().to_owned();
    for wrapped in ["2 secrets were wrapped", "0 secrets were wrapped"] {
        let (status, output, error) = run(&place, &["keys", "rotate"], &[]);
        assert!(status == 2 && output.contains(wrapped), "{output}{error}");
        assert!(
            error.contains("1 secrets could not be wrapped") && error.contains(&id.to_string()),
            "{error}"
        );
    }
    assert_eq!(passwords(&service, &web).await, ["a", "", "c"]);
    let (_, listed, _) = run(&place, &["keys", "list"], &[]);
    assert!(listed.contains("retiring") && !listed.contains("retired"), "{listed}");
    let log = service.log();
    assert!(log.lines().any(|line| line.contains("ERROR") && line.contains(&id.to_string())), "{log}");
    // It logged that error, as it should.
    service.kill().await;
}
