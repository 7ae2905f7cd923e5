//! A running program, to be measured.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connection::Connection;
use crate::requests::post;

/// How long a program may take to become ready before there is no point in measuring it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// The unit that Linux counts processor time in, whatever its own clock does.
const TICK: Duration = Duration::from_millis(10);

/// A running program.
pub struct Program {
    process: Process,
    /// What it says after where it listens.
    says: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start until it answered that it is ready.
    pub ready_after: Duration,
    /// What those who ask it send to say who they are: empty before somebody logged in.
    pub token: Arc<str>,
}

impl Program {
    /// Starts ServerTree in `folder`, where its data is or will be, with these environment variables set, and waits until it is
    /// ready.
    pub fn servertree(path: &Path, folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(path);
        command.current_dir(folder).env("SERVERTREE_HTTP__PORT", "0").env("SERVERTREE_LOG__LEVEL", "warn");
        command.envs(settings.iter().copied());
        Self::start(command)
    }

    /// Starts the bare program on a database that ServerTree made, a URL or a file, and waits until it is ready.
    pub fn bare(path: &Path, database: &OsStr) -> Self {
        let mut command = Command::new(path);
        command.arg(database);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let since = Instant::now();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Process(command.spawn().expect("the program to measure"));
        let mut says = BufReader::new(process.0.stdout.take().expect("its output")).lines();
        let address = says.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.trim().strip_prefix("API ")?.split_once("//")?;
            rest.split('/').next()?.parse().ok()
        });
        let address = address.expect("a program that says where it listens");
        while !is_ready(address) {
            assert!(since.elapsed() < GIVE_UP_AFTER, "the program does not become ready");
        }
        Self { process, says, address, ready_after: since.elapsed(), token: "".into() }
    }

    /// From now on those who ask are the first administrator, whose password is in `folder`.
    pub async fn log_in(&mut self, folder: &Path) -> io::Result<()> {
        let password = std::fs::read_to_string(folder.join("data/initial-admin-password"))?;
        let body = json!({"username": "admin", "password": password.trim_end()}).to_string();
        let mut connection = Connection::open(self.address).await?;
        let answer = connection.ask(post("/api/v1/account/login", "", &body).as_bytes()).await?;
        let answer: Value = serde_json::from_slice(answer.body)?;
        let token = answer["access_token"]
            .as_str()
            .ok_or_else(|| io::Error::other(format!("no token in {answer}")))?;
        self.token = token.into();
        Ok(())
    }

    /// Where it answers other processes, if its settings have it do that.
    pub fn grpc_address(&mut self) -> SocketAddr {
        let lines =
            self.says.by_ref().map_while(Result::ok).take_while(|line| !line.starts_with("Stop with"));
        let address = lines.filter_map(|line| line.trim().strip_prefix("gRPC ")?.trim().parse().ok()).next();
        address.expect("a program that says where it answers other processes")
    }

    /// The memory it takes.
    pub fn resident_mib(&self) -> f64 {
        resident_mib(self.process.0.id())
    }

    /// The most memory that it ever took.
    pub fn most_resident_mib(&self) -> f64 {
        status_mib(self.process.0.id(), "VmHWM:")
    }

    /// The processor time it took so far, its own and that of the kernel on its behalf (proc(5), fields 14 and 15).
    pub fn processor_time(&self) -> Duration {
        let stat = about(self.process.0.id(), "stat");
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let ticks = after_name.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u32>().ok());
        TICK * ticks.sum()
    }
}

/// The memory that a process takes, as Linux counts it.
pub fn resident_mib(process: u32) -> f64 {
    status_mib(process, "VmRSS:")
}

fn status_mib(process: u32, field: &str) -> f64 {
    let status = about(process, "status");
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

fn about(process: u32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default()
}

/// Killed when dropped, whether it became ready or not.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
