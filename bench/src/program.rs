//! A running program, to be measured.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to become ready before there is no point in measuring it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);

/// The unit that Linux counts processor time in, whatever its own clock does.
const TICK: Duration = Duration::from_millis(10);

/// A running program.
pub struct Program {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start until it answered that it is ready.
    pub ready_after: Duration,
}

impl Program {
    /// Starts ServerTree in `folder`, where its data is or will be, and waits until it is ready.
    pub fn servertree(path: &Path, folder: &Path) -> Self {
        let mut command = Command::new(path);
        command.current_dir(folder).env("SERVERTREE_HTTP__PORT", "0").env("SERVERTREE_LOG__LEVEL", "warn");
        Self::start(command)
    }

    /// Starts the bare program on a database that ServerTree made, and waits until it is ready.
    pub fn bare(path: &Path, database: &Path) -> Self {
        let mut command = Command::new(path);
        command.arg(database);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let since = Instant::now();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Process(command.spawn().expect("the program to measure"));
        let output = BufReader::new(process.0.stdout.take().expect("its output"));
        let address = output.lines().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.trim().strip_prefix("API ")?.split_once("//")?;
            rest.split('/').next()?.parse().ok()
        });
        let address = address.expect("a program that says where it listens");
        while !is_ready(address) {
            assert!(since.elapsed() < GIVE_UP_AFTER, "the program does not become ready");
        }
        Self { process, address, ready_after: since.elapsed() }
    }

    /// The memory it takes, as Linux counts it.
    pub fn resident_mib(&self) -> f64 {
        let status = self.about("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }

    /// The processor time it took so far, its own and that of the kernel on its behalf (proc(5), fields 14 and 15).
    pub fn processor_time(&self) -> Duration {
        let stat = self.about("stat");
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let ticks = after_name.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u32>().ok());
        TICK * ticks.sum()
    }

    fn about(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.0.id())).unwrap_or_default()
    }
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
