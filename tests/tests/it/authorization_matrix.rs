//! Every operation of the API, as each kind of caller: one table, in which a new operation must have its row.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use servertree_tests::{Answer, Service, application, eventually, server};

const PASSWORD: &str = "correct horse battery";

/// What an operation is done to. The path says where in it the ids go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    /// To nothing that is there.
    Nothing,
    /// To a server in production, with a credential and an application.
    Server,
    /// To an application that the web team answers for.
    Application,
    /// To an event that nobody has to see to.
    Event,
    /// To a user with the role `user`.
    User,
    /// To an own role.
    Role,
    /// To a session of the caller's own.
    Session,
    /// To a token of the caller's own.
    Token,
}

/// What becomes of it when the object is another's, or out of the grants' reach.
#[derive(Clone, Copy)]
enum Foreign {
    /// There is no such thing.
    Never,
    /// By a caller whose grants are for staging only, on what is in production.
    Staging(u16),
    /// By an admin, on another admin.
    Equal(u16),
    /// On what belongs to somebody else.
    Theirs,
}

/// A row: what is done, and what comes of it.
struct Row {
    operation: &'static str,
    body: Option<Value>,
    target: Target,
    /// A role that is not enough, and one that is.
    roles: (Option<&'static str>, &'static str),
    status: u16,
    foreign: Foreign,
}

fn row(
    operation: &'static str,
    body: impl Into<Option<Value>>,
    target: Target,
    roles: (Option<&'static str>, &'static str),
    status: u16,
    foreign: Foreign,
) -> Row {
    Row { operation, body: body.into(), target, roles, status, foreign }
}

/// What anybody gets to see: the status.
const OPEN: [(&str, u16); 10] = [
    ("GET /", 200),
    ("GET /.well-known/jwks.json", 200),
    ("GET /api/v1/", 200),
    ("GET /health/live", 200),
    ("GET /health/ready", 200),
    ("GET /openapi.json", 200),
    ("GET /problems", 200),
    ("GET /problems/not_found", 200),
    ("POST /api/v1/account/login", 401),
    ("POST /api/v1/account/signup", 201),
];

fn table() -> Vec<Row> {
    use Foreign::{Equal, Never, Staging, Theirs};
    use Target::{Application, Event, Nothing, Role, Server, Session, Token, User};
    let (viewer, operator, admin) =
        ((Some("user"), "viewer"), (Some("viewer"), "operator"), (Some("operator"), "admin"));
    let (anybody, root) = ((None, "user"), (Some("admin"), "super_admin"));
    let ssh = || json!({"connection_type": "ssh", "username": "root"});
    let role = || json!({"name": "{unique}", "grants": [{"action": "read", "object_type": "server"}]});
    let question = || json!({"subject": "nobody", "action": "read", "object": {"type": "server"}});
    vec![
        row("POST /account/logout", None, Nothing, anybody, 204, Never),
        row("GET /account/me", None, Nothing, anybody, 200, Never),
        row("POST /account/renew", None, Nothing, anybody, 200, Never),
        row(
            "PUT /account/password",
            json!({"current_password": PASSWORD, "new_password": "another horse battery"}),
            Nothing,
            anybody,
            204,
            Never,
        ),
        row("GET /account/sessions", None, Nothing, anybody, 200, Never),
        row("DELETE /account/sessions/{id}", None, Session, anybody, 204, Theirs),
        row("GET /account/tokens", None, Nothing, anybody, 200, Never),
        row("POST /account/tokens", json!({"name": "test"}), Nothing, anybody, 201, Never),
        row("DELETE /account/tokens/{id}", None, Token, anybody, 204, Theirs),
        row("GET /servers", None, Nothing, viewer, 200, Never),
        row("POST /servers", server("{unique}"), Nothing, operator, 201, Staging(403)),
        row("GET /servers/{id}", None, Server, viewer, 200, Staging(404)),
        row("PUT /servers/{id}", server("{unique}"), Server, operator, 200, Staging(404)),
        row("PATCH /servers/{id}", json!({"cpu_cores": 2}), Server, operator, 200, Staging(404)),
        row("DELETE /servers/{id}", None, Server, operator, 204, Staging(404)),
        row("POST /servers/{id}/restore", None, Server, operator, 200, Staging(404)),
        row("GET /servers/{id}/history", None, Server, viewer, 200, Staging(404)),
        row("PUT /servers/{id}/status", json!({"status": "running"}), Server, operator, 200, Staging(404)),
        row("POST /servers/{id}/credentials", ssh(), Server, operator, 201, Staging(404)),
        row("GET /servers/{id}/credentials/{credential_id}", None, Server, operator, 200, Staging(404)),
        row("PUT /servers/{id}/credentials/{credential_id}", ssh(), Server, operator, 200, Staging(404)),
        row("DELETE /servers/{id}/credentials/{credential_id}", None, Server, operator, 204, Staging(404)),
        row(
            "POST /servers/{id}/credentials/{credential_id}/reveal",
            json!({"reason": "test"}),
            Server,
            operator,
            200,
            Staging(404),
        ),
        row(
            "PUT /servers/{id}/applications/{application_id}",
            json!({"install_dir": "/opt/x", "log_dir": "/var/log/x"}),
            Server,
            operator,
            200,
            Staging(404),
        ),
        row("DELETE /servers/{id}/applications/{application_id}", None, Server, operator, 204, Staging(404)),
        row("GET /applications", None, Nothing, viewer, 200, Never),
        row("POST /applications", application("{unique}", "1"), Nothing, operator, 201, Staging(403)),
        row("GET /applications/{id}", None, Application, viewer, 200, Staging(404)),
        row("PUT /applications/{id}", application("{unique}", "1"), Application, operator, 200, Staging(404)),
        row("PATCH /applications/{id}", json!({"version": "2"}), Application, operator, 200, Staging(404)),
        row("DELETE /applications/{id}", None, Application, operator, 204, Staging(404)),
        row("POST /applications/{id}/restore", None, Application, operator, 200, Staging(404)),
        // What is installed there is nothing to them.
        row("GET /applications/{id}/servers", None, Application, viewer, 200, Staging(200)),
        row("GET /applications/{id}/history", None, Application, viewer, 200, Staging(404)),
        row("GET /events", None, Nothing, admin, 200, Never),
        row("GET /events/{id}", None, Event, admin, 200, Never),
        // There is none that was not taken.
        row("POST /events/resubmit", json!({"filter": {}}), Nothing, admin, 200, Never),
        row("POST /events/{id}/resubmit", None, Event, admin, 409, Never),
        row("POST /events/{id}/discard", json!({"reason": "test"}), Event, admin, 409, Never),
        row("GET /users", None, Nothing, admin, 200, Never),
        row("POST /users", json!({"username": "{unique}", "password": PASSWORD}), Nothing, admin, 201, Never),
        row("GET /users/{id}", None, User, admin, 200, Never),
        row("POST /users/{id}/inactivate", None, User, admin, 200, Equal(403)),
        row("POST /users/{id}/reactivate", None, User, admin, 200, Equal(403)),
        row("POST /users/{id}/grant_admin", None, User, root, 200, Equal(403)),
        row("POST /users/{id}/revoke_admin", None, User, root, 200, Equal(403)),
        row("PUT /users/{id}/password", json!({"new_password": PASSWORD}), User, admin, 204, Equal(403)),
        row("PUT /users/{id}/roles", json!({"roles": ["viewer"]}), User, admin, 200, Equal(403)),
        row("GET /roles", None, Nothing, admin, 200, Never),
        row("POST /roles", role(), Nothing, admin, 201, Never),
        row("GET /roles/{id}", None, Role, admin, 200, Never),
        row("PUT /roles/{id}", role(), Role, admin, 200, Never),
        row("DELETE /roles/{id}", None, Role, admin, 204, Never),
        row("POST /permissions/check", question(), Nothing, admin, 200, Never),
        row("POST /permissions/check_batch", json!({"checks": [question()]}), Nothing, admin, 200, Never),
        row("POST /permissions/explain", question(), Nothing, admin, 200, Never),
        row("GET /metrics", None, Nothing, admin, 200, Never),
    ]
}

/// A service, and what is needed to try things on it.
struct World {
    service: Service,
    names: AtomicUsize,
    /// One session a role, for what leaves it as it is: log-ins from one address are counted.
    sessions: Mutex<HashMap<String, String>>,
}

impl World {
    fn unique(&self) -> String {
        format!("name-{}", self.names.fetch_add(1, Ordering::SeqCst))
    }

    /// Somebody new with this role.
    async fn hired(&self, role: &str) -> String {
        let name = self.unique();
        let user = json!({"username": name, "password": PASSWORD, "roles": [role]});
        assert_eq!(self.service.post("/api/v1/users", &user).await.status, 201, "{role}");
        name
    }

    /// A session of somebody new with this role.
    async fn fresh(&self, role: &str) -> String {
        self.service.log_in(&self.hired(role).await, PASSWORD).await
    }

    /// A session of somebody with this role.
    async fn somebody(&self, role: &str) -> String {
        // Nobody makes a super admin, but whoever sits at the machine.
        if role == "super_admin" {
            return self.service.token().to_owned();
        }
        let known = self.sessions.lock().unwrap().get(role).cloned();
        if let Some(session) = known {
            return session;
        }
        let session = self.fresh(role).await;
        self.sessions.lock().unwrap().insert(role.to_owned(), session.clone());
        session
    }

    /// Somebody whose grants are for servers in staging only, and for the applications of those who look after them.
    async fn of_staging(&self) -> String {
        let grant = |action: &str, object_type: &str| {
            let field = if object_type == "application" { "architect" } else { "environment" };
            let condition = json!({field: {"in": ["staging"]}});
            json!({"action": action, "object_type": object_type, "condition": condition})
        };
        let of_whole = ["read", "create", "update", "discard", "restore"];
        let of_servers = of_whole.map(|one| grant(one, "server"));
        let of_applications = of_whole.map(|one| grant(one, "application"));
        let of_credentials =
            ["read", "create", "update", "discard", "reveal"].map(|one| grant(one, "server.credential"));
        let grants: Vec<Value> =
            of_servers.into_iter().chain(of_applications).chain(of_credentials).collect();
        let name = self.unique();
        let created = self.service.post("/api/v1/roles", &json!({"name": name, "grants": grants})).await;
        assert_eq!(created.status, 201, "{created:?}");
        self.somebody(&name).await
    }

    /// Makes what the operation is done to, as somebody who may; answers the path to it.
    async fn prepare(&self, path: &str, target: Target, owner: &str) -> String {
        let made = async |path: &str, body: Value, token: &str| {
            let request = self.service.request_as(token, "POST", path).json(&body);
            let answer = self.service.send(request).await;
            assert_eq!(answer.status, 201, "{path}: {answer:?}");
            answer.json()
        };
        let root = self.service.token();
        let made = match target {
            Target::Nothing => return path.to_owned(),
            Target::Server => {
                let mut draft = server(&self.unique());
                draft["credentials"] =
                    json!([{"connection_type": "ssh", "username": "root", "password": "secret"}]);
                let installed = made("/api/v1/applications", application(&self.unique(), "1"), root).await;
                draft["applications"] = json!([{"application_id": installed["id"], "install_dir": "/opt", "log_dir": "/var/log"}]);
                made("/api/v1/servers", draft, root).await
            }
            Target::Application => made("/api/v1/applications", application(&self.unique(), "1"), root).await,
            Target::User => {
                let user = json!({"username": self.unique(), "password": PASSWORD});
                made("/api/v1/users", user, root).await
            }
            Target::Role => made("/api/v1/roles", json!({"name": self.unique(), "grants": []}), root).await,
            Target::Token => made("/api/v1/account/tokens", json!({"name": "test"}), owner).await,
            Target::Event => self.service.get("/api/v1/events?limit=1").await.json()["items"][0].clone(),
            Target::Session => {
                let request = self.service.request_as(owner, "GET", "/api/v1/account/sessions");
                self.service.send(request).await.json()["items"][0].clone()
            }
        };
        let path = path.replace("{id}", made["id"].as_str().unwrap());
        let parts = [
            ("{credential_id}", &made["credentials"][0]["id"]),
            ("{application_id}", &made["applications"][0]["application_id"]),
        ];
        parts.into_iter().fold(path, |path, (place, id)| path.replace(place, id.as_str().unwrap_or(place)))
    }

    async fn try_as(&self, token: Option<&str>, row: &Row, path: &str) -> Answer {
        let (method, _) = row.operation.split_once(' ').unwrap();
        let path = address(path);
        let mut request = match token {
            Some(token) => self.service.request_as(token, method, &path),
            None => self.service.anonymous(method, &path),
        };
        if let Some(body) = &row.body {
            let body = body.to_string().replace("{unique}", &self.unique());
            request = request.header("Content-Type", "application/json").body(body);
        }
        self.service.send(request).await
    }

    /// A token that was good, and is no more: its time has come.
    async fn expired(&self) -> String {
        let at = json!({"name": "short", "expires_at": in_a_second()});
        let created = self.service.post("/api/v1/account/tokens", &at).await;
        assert_eq!(created.status, 201, "{created:?}");
        let token = created.json()["token"].as_str().unwrap().to_owned();
        eventually("it expires", async || {
            let request = self.service.request_as(&token, "GET", "/api/v1/account/me");
            (self.service.send(request).await.status == 401).then_some(())
        })
        .await;
        token
    }
}

/// Where it is: rows name what is below the base of the API, and what is of the service itself.
fn address(path: &str) -> String {
    if path == "/metrics" { path.to_owned() } else { format!("/api/v1{path}") }
}

/// As RFC 3339, from the machine's clock.
fn in_a_second() -> String {
    let date = std::process::Command::new("date")
        .args(["-u", "-d", "+1 second", "+%Y-%m-%dT%H:%M:%S.%6NZ"])
        .output();
    String::from_utf8(date.unwrap().stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn every_operation_is_closed_to_all_but_those_who_may() {
    let service = Service::start().await;
    let world = World { service, names: AtomicUsize::new(1), sessions: Mutex::default() };
    let (expired, of_staging) = (world.expired().await, world.of_staging().await);
    let nobody = world.fresh("user").await;
    for row in table() {
        let (_, path) = row.operation.split_once(' ').unwrap();
        let what = row.operation;
        let (needed, enough) = row.roles;
        // What somebody does to their own account may end it.
        let right = if enough == "user" { world.fresh(enough).await } else { world.somebody(enough).await };
        let mine = world.prepare(path, row.target, &right).await;

        world.try_as(None, &row, &mine).await.problem(401, "not_authenticated");
        for bad in [expired.as_str(), "nonsense", "st_nonsense", "a.b.c"] {
            let answer = world.try_as(Some(bad), &row, &mine).await;
            answer.problem(401, "not_authenticated");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{what}: {answer:?}");
        }
        if let Some(role) = needed {
            let wrong = world.somebody(role).await;
            world.try_as(Some(&wrong), &row, &mine).await.problem(403, "not_permitted");
        }
        match row.foreign {
            Foreign::Never => {}
            Foreign::Staging(status) => {
                let answer = world.try_as(Some(&of_staging), &row, &mine).await;
                assert_eq!(answer.status, status, "{what}: {answer:?}");
            }
            Foreign::Theirs => {
                world.try_as(Some(&nobody), &row, &mine).await.problem(404, "not_found");
            }
            Foreign::Equal(status) => {
                // Nobody makes another super admin: they have to do with themselves.
                let equal = match enough {
                    "super_admin" => "admin".to_owned(),
                    role => world.hired(role).await,
                };
                let path = path.replace("{id}", &id_of(&world.service, &equal).await);
                let answer = world.try_as(Some(&right), &row, &path).await;
                assert_eq!(answer.status, status, "{what}: {answer:?}");
            }
        }
        let answer = world.try_as(Some(&right), &row, &mine).await;
        assert_eq!(answer.status, row.status, "{what}: {answer:?}");
    }
    world.service.stop().await;
}

async fn id_of(service: &Service, username: &str) -> String {
    let filter = format!("/api/v1/users?filter={{\"username\":{{\"eq\":\"{username}\"}}}}");
    service.get(&filter).await.json()["items"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_operation_has_its_row() {
    let service = Service::start().await;
    let description = service.get("/openapi.json").await.json();
    let mut described = BTreeSet::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method = method.to_uppercase();
            described.insert(format!("{method} {path}"));
            let is_open = operation["security"].as_array().is_some_and(Vec::is_empty);
            let listed = OPEN.iter().any(|(open, _)| *open == format!("{method} {path}"));
            let is_page = path == "/problems/{code}";
            assert_eq!(is_open, listed || is_page, "{method} {path}: what OpenAPI says of its security");
        }
    }
    let rows = table().into_iter().map(|row| {
        let (method, path) = row.operation.split_once(' ').unwrap();
        format!("{method} {}", address(path))
    });
    let open = OPEN.iter().map(|(open, _)| open.replace("/not_found", "/{code}"));
    let covered: BTreeSet<String> = rows.chain(open).collect();
    let without_row: Vec<&String> = described.difference(&covered).collect();
    let without_operation: Vec<&String> = covered.difference(&described).collect();
    assert!(without_row.is_empty(), "operations without a row: {without_row:#?}");
    assert!(without_operation.is_empty(), "rows of what is no operation: {without_operation:#?}");
    for (operation, status) in OPEN {
        let (method, path) = operation.split_once(' ').unwrap();
        let mut request = service.anonymous(method, path);
        if method == "POST" {
            request = request.json(&json!({"username": "somebody", "password": PASSWORD}));
        }
        assert_eq!(service.send(request).await.status, status, "{operation}");
    }
    service.stop().await;
}
