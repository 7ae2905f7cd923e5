//! A running program, to be measured.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to become ready before there is no point in measuring it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// A running program; it is killed when dropped.
pub struct Program {
    child: Child,
    /// From its start until it answered that it is ready.
    pub ready_after: Duration,
}

impl Program {
    /// Starts it in `folder` and waits until it is ready.
    pub fn start(path: &Path, folder: &Path) -> Self {
        let since = Instant::now();
        let mut child = Command::new(path)
            .current_dir(folder)
            .env("SERVERTREE_HTTP__PORT", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program to measure");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let address = output
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.trim().strip_prefix("API ")?.trim().to_owned()))
            .expect("a program that says where it listens");
        let address = address.trim_start_matches("http://").trim_end_matches("/api/v1/").to_owned();
        while !is_ready(&address) {
            assert!(since.elapsed() < GIVE_UP_AFTER, "the program does not become ready");
        }
        Self { child, ready_after: since.elapsed() }
    }

    /// The memory it takes, as Linux counts it.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ready(address: &str) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
