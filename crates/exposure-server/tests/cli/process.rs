//! Runs the binary, as a server and as a command.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

pub(crate) const KEY: &str = "key-of-the-tests-0123456789";

/// The binary with these arguments and no environment of ours.
pub(crate) fn exposure(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exposure"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

/// What a command wrote and ended with.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A server as a child process, on ports of its own. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) grpc: String,
    pub(crate) http: String,
    pub(crate) key: String,
    log: PathBuf,
}

impl Server {
    /// Starts with the key of the tests and waits until it is ready.
    pub(crate) fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, &["--api-key", KEY])
    }

    pub(crate) fn start_with(data_dir: &Path, args: &[&str]) -> Self {
        Self::start_by(&Self::as_it_is, data_dir, &data_dir.with_extension("log"), args)
    }

    fn as_it_is(command: &Command) -> Command {
        let mut same = exposure(&[]);
        same.args(command.get_args());
        same
    }

    /// Starts it by another command, such as one that enters a file system first, and has it write to a log.
    pub(crate) fn start_by(
        by: &dyn Fn(&Command) -> Command,
        data_dir: &Path,
        log: &Path,
        args: &[&str],
    ) -> Self {
        let any = "127.0.0.1:0";
        let grpc = if args.contains(&"--grpc") { &[][..] } else { &["--grpc", any] };
        let mut serve = exposure(&[&["serve", "--http", any], grpc].concat());
        serve.arg("--data-dir").arg(data_dir).args(args);
        let log = log.to_owned();
        let mut child = by(&serve)
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self {
            child,
            stdout,
            grpc: String::new(),
            http: String::new(),
            key: KEY.to_owned(),
            log,
        };
        let lines = server.read_until("  data  ");
        let value = |name: &str| {
            lines.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap().trim().to_owned()
        };
        server.grpc = format!("http://{}", value("gRPC"));
        value("HTTP").strip_prefix("http://").unwrap().clone_into(&mut server.http);
        server
    }

    /// Lines of its standard output up to one that begins like this.
    pub(crate) fn read_until(&mut self, beginning: &str) -> String {
        let mut lines = String::new();
        loop {
            let start = lines.len();
            let n_bytes = self.stdout.read_line(&mut lines).unwrap();
            assert!(n_bytes > 0, "no `{beginning}` in:\n{lines}\n{}", self.log());
            if lines[start..].starts_with(beginning) {
                return lines;
            }
        }
    }

    /// What it wrote to standard error, over all its starts.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// A command that talks to this server.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = exposure(args);
        command.env("EXPOSURE_SERVER", &self.grpc).env("EXPOSURE_API_KEY", &self.key);
        command
    }

    /// What such a command prints; it must succeed.
    pub(crate) fn output(&self, args: &[&str]) -> String {
        let (code, stdout, stderr) = run(&mut self.command(args));
        assert_eq!((code, stderr.as_str()), (0, ""), "{args:?}: {stdout}\n{}", self.log());
        stdout
    }

    /// The JSON that such a command prints.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let args = [args, &["--json"]].concat();
        serde_json::from_str(&self.output(&args)).unwrap()
    }

    /// The status and the body of a GET over HTTP.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(&self.http).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Asks it to end, and gives its exit code.
    pub(crate) fn stop(mut self) -> i32 {
        self.signal(Signal::TERM);
        self.wait().code().unwrap()
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        if self.child.kill().is_ok() {
            self.wait();
        }
    }
}
