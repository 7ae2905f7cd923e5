//! What is asked of the programs, and what the servers look like that are registered.

use std::sync::atomic::{AtomicUsize, Ordering};

/// From one id to the next that is asked for: a prime, so that all have their turn, and far apart in the database.
const STRIDE: usize = 7_919;

/// One request after the other, without end.
pub struct Requests {
    kind: Kind,
    next: AtomicUsize,
}

/// Which requests.
pub enum Kind {
    /// A server, each time another of these ids.
    ById(Vec<String>),
    /// The first page of the list.
    List,
    /// A server is registered, each time another, with this many credentials.
    Register { credentials: usize },
    /// An application is registered, each time another.
    RegisterApplication,
    /// Of ten requests one for the list, one that registers a server, and the others by id.
    Mixed(Vec<String>),
}

impl Requests {
    /// Registered are servers from this number on: each number has a name of its own.
    pub fn new(kind: Kind, first: usize) -> Self {
        Self { kind, next: AtomicUsize::new(first) }
    }

    /// Writes the next request, of whoever has this token; answers the status that it is to be answered with.
    pub fn write_next(&self, token: &str, request: &mut Vec<u8>) -> u16 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let register = |credentials| (post("/api/v1/servers", token, &server(number, credentials)), 201);
        let (text, status) = match (&self.kind, number % 10) {
            (Kind::List, _) | (Kind::Mixed(_), 0) => (get("/api/v1/servers", token), 200),
            (Kind::Register { credentials }, _) => register(*credentials),
            (Kind::Mixed(_), 1) => register(0),
            (Kind::RegisterApplication, _) => {
                (post("/api/v1/applications", token, &application(number)), 201)
            }
            (Kind::ById(ids) | Kind::Mixed(ids), _) => {
                let id = &ids[number.wrapping_mul(STRIDE) % ids.len()];
                (get(&format!("/api/v1/servers/{id}"), token), 200)
            }
        };
        request.clear();
        request.extend_from_slice(text.as_bytes());
        status
    }
}

/// A request that looks.
pub fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// A request that makes something.
pub fn post(path: &str, token: &str, json: &str) -> String {
    let length = json.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{json}"
    )
}

/// The application of this number, as the body of a request.
fn application(number: usize) -> String {
    format!(r#"{{"name":"application-{number}","version":"1.27","architect":"web team"}}"#)
}

/// The server of this number, as the body of a request. Servers that follow each other lie apart in the order of names.
fn server(number: usize, credentials: usize) -> String {
    let pick = |from: &[&'static str], unit: usize| from[number / unit % from.len()];
    let role = pick(&["web", "db", "cache", "proxy", "queue", "build", "mail", "backup"], 1);
    let (environment, short) =
        [("production", "prod"), ("staging", "stage"), ("test", "test")][number / 8 % 3];
    let site = pick(&["fra1", "ams2", "iad1", "sin1", "gru1"], 24);
    let (system, version) = [("Debian", "12"), ("Ubuntu", "24.04"), ("AlmaLinux", "9.4")][number / 5 % 3];
    let (cores, ram, hdd) = (2 << (number % 5), 4_096 << (number % 4), 102_400 + number % 7 * 51_200);
    format!(
        r#"{{"name":"{role}-{short}-{site}-{number:06}.example.net","cpu_cores":{cores},"ram_mib":{ram},"hdd_mib":{hdd},"#
    ) + &format!(
        r#""environment":"{environment}","operating_system":{{"name":"{system}","version":"{version}","architecture":"x86_64"}}"#
    ) + &parts(number, credentials)
        + "}"
}

/// The end of the body: the credentials, or nothing if there are to be none. Their addresses are those that RFC 2544 sets apart
/// for benchmarks.
fn parts(number: usize, credentials: usize) -> String {
    if credentials == 0 {
        return String::new();
    }
    let all: Vec<String> =
        (0..credentials).map(|position| credential(number * credentials + position)).collect();
    format!(r#","credentials":[{}]"#, all.join(","))
}

fn credential(number: usize) -> String {
    let (connection_type, username, side, network, port) = match number % 2 {
        0 => ("ssh", "root", "local", "198.18", 22),
        _ => ("https", "operator", "public", "198.19", 8_443),
    };
    let address = format!("{network}.{}.{}", number / 256 % 256, number % 256);
    format!(
        r#"{{"connection_type":"{connection_type}","username":"{username}","password":"secret of {number}","{side}_ip":"{address}","{side}_port":{port}}}"#
    )
}
