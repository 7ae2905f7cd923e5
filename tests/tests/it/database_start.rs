//! How the program starts on a database server, and says why it does not.

use servertree_tests::{Engine, Service, TestDatabase, on_a_server, server};
use tempfile::TempDir;

use crate::starting::run;

const URL: &str = "SERVERTREE_DATABASE__URL";

/// A new database, and its URL.
async fn database(folder: &TempDir) -> (TestDatabase, String) {
    let database = TestDatabase::new(folder.path()).await;
    let url = database.url().to_owned();
    (database, url)
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_said_in_one_message() {
    if !on_a_server() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (_database, url) = database(&folder).await;
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, place) = rest.split_once('@').unwrap();
    let (name, password) = user.split_once(':').unwrap();
    let (authority, path) = place.split_once('/').unwrap();
    let base = path.split('?').next().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let tls = match scheme {
        "mysql" => "ssl-mode=VERIFY_CA&ssl-ca=",
        _ => "sslmode=verify-ca&sslrootcert=",
    };
    std::fs::write(folder.path().join("other.pem"), OTHER_AUTHORITY).unwrap();
    let rows = [
        (format!("{scheme}://{name}:no{password}@{authority}/{base}"), "Check user and password"),
        (format!("{scheme}://{name}:{password}@{authority}/not_there"), "CREATE DATABASE not_there"),
        (format!("{scheme}://{name}:{password}@{nobody}/{base}"), "cannot be reached"),
        (format!("{scheme}://{name}:{password}@{authority}"), "names no database"),
        (
            format!("{scheme}://{name}:{password}@{authority}/{base}?ssl_mode=require"),
            "'ssl_mode', which is unknown",
        ),
        (format!("{scheme}://{name}:{password}@{authority}/{base}?{tls}other.pem"), "cannot be reached"),
    ];
    for (url, said) in rows {
        let (status, output, error) = run(folder.path(), &[], &[(URL, &url)]);
        assert_eq!((status, error.trim().lines().count()), (2, 1), "{output}{error}");
        assert!(
            error.contains(said) && !error.contains(&format!(":{password}@")),
            "{said} is not in: {error}"
        );
    }
    let replica = [(URL, url.as_str()), ("SERVERTREE_DATABASE__READ_URL", "sqlite://replica.db")];
    let (status, _, error) = run(folder.path(), &[], &replica);
    assert!(status == 2 && error.contains("database.read_url"), "{error}");
    let (_, shown, _) = run(folder.path(), &["config"], &[(URL, &url)]);
    assert!(shown.contains(&format!("{name}:***@")), "{shown}");
}

/// Over TLS, with the certificate checked.
#[tokio::test]
async fn it_speaks_tls_to_a_server_that_it_knows() {
    if !on_a_server() {
        return;
    }
    let Some(authority) = servertree_tests::tls_authority() else { return };
    let folder = TempDir::new().unwrap();
    let (_database, url) = database(&folder).await;
    let verified = match Engine::under_test() {
        Engine::MySql => format!("ssl-mode=VERIFY_IDENTITY&ssl-ca={authority}"),
        _ => format!("sslmode=verify-full&sslrootcert={authority}"),
    };
    let separator = if url.contains('?') { '&' } else { '?' };
    // The name in its certificate.
    let url = format!("{}{separator}{verified}", url.replacen("127.0.0.1", "localhost", 1));
    let service = Service::builder().set("database.url", &url).start().await;
    assert_eq!(service.get("/api/v1/servers").await.status, 200);
    service.stop().await;
}

/// Whatever the engine is, it can be said what will be done.
#[tokio::test]
async fn a_plan_is_what_is_done_then() {
    if !on_a_server() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (_database, url) = database(&folder).await;
    let settings = [(URL, url.as_str())];
    let lines = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect()
    };
    let (status, plan, error) = run(folder.path(), &["migrate", "--plan"], &settings);
    assert!(status == 0 && plan.contains("migrations to carry out"), "{plan}{error}");
    let (_, done, _) = run(folder.path(), &["migrate"], &settings);
    assert_eq!(lines(&plan), lines(&done));
    let (_, plan, _) = run(folder.path(), &["migrate", "--plan"], &settings);
    assert!(lines(&plan).is_empty() && plan.contains("nothing to do"), "{plan}");
}

/// What is looked up comes from the replica, here one that lags for ever; who may look, and what is written, does not.
#[tokio::test]
async fn queries_read_from_the_replica() {
    if !on_a_server() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (_replica, url) = database(&folder).await;
    assert_eq!(run(folder.path(), &["migrate"], &[(URL, &url)]).0, 0);
    let service = Service::builder().set("database.read_url", &url).start().await;
    let created = service.post("/api/v1/servers", &server("web-1")).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(service.get("/api/v1/servers").await.json()["total"], 0);
    service.post("/api/v1/servers", &server("web-1")).await.problem(409, "server_name_taken");
    service.stop().await;
}

/// By a collation that does not tell cases apart two names would be one.
#[tokio::test]
async fn a_collation_that_breaks_uniqueness_is_refused() {
    if !on_a_server() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (database, url) = database(&folder).await;
    let settings = [(URL, url.as_str())];
    assert_eq!(run(folder.path(), &["migrate"], &settings).0, 0);
    let convert = match Engine::under_test() {
        Engine::MySql => {
            "ALTER TABLE authorization_users CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
        }
        _ => r#"ALTER TABLE authorization_users ALTER username TYPE TEXT COLLATE "en-x-icu""#,
    };
    let mut connection = database.connect().await;
    connection.execute(convert).await;
    connection.close().await;
    let (status, _, error) = run(folder.path(), &[], &settings);
    assert_eq!((status, error.trim().lines().count()), (2, 1), "{error}");
    assert!(error.contains("authorization_users.username") && error.contains("collation"), "{error}");
}

/// MariaDB keeps what a migration did before it stopped: that is said, and so is how to go on.
#[tokio::test]
async fn a_migration_that_stopped_half_way_is_resumed() {
    if Engine::under_test() != Engine::MySql {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (database, url) = database(&folder).await;
    let settings = [(URL, url.as_str())];
    let mut connection = database.connect().await;
    // In the way of the view that belongs to it.
    connection.execute("CREATE TABLE authorization_user_role_names (id INT)").await;
    for _ in 0..2 {
        let (status, _, error) = run(folder.path(), &["migrate"], &settings);
        assert_eq!((status, error.trim().lines().count()), (2, 1), "{error}");
        assert!(error.contains("servertree migrate --resume") && error.contains("authorization"), "{error}");
    }
    connection.execute("DROP TABLE authorization_user_role_names").await;
    connection.close().await;
    let (status, done, error) = run(folder.path(), &["migrate", "--resume"], &settings);
    assert!(status == 0 && done.contains("authorization 0003"), "{done}{error}");
    assert!(run(folder.path(), &["migrate"], &settings).1.contains("nothing to do"));
}

/// A certificate of nobody that signed that of a server.
const OTHER_AUTHORITY: &str = include_str!("../../data/other-authority.pem");
