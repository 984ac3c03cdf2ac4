//! A running receiver of CPython's: what it has received, and how it is ended.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The receiver is killed when it is dropped.
pub(crate) struct Receiver {
    child: Child,
    pub(crate) port: u16,
    lines: Arc<Mutex<Vec<Value>>>,
    listener: Option<JoinHandle<()>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        Self::start_with(&["0"])
    }

    /// Starts it with these arguments and waits until it listens.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let python = std::env::var("LOGSTORE_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
        let mut child = Command::new(python)
            .arg("-B")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client/receiver.py"))
            .args(arguments)
            .env("PYTHONIOENCODING", "utf-8")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        stdout.read_line(&mut port).unwrap();
        let port = port.trim().parse().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&lines);
        let listener = std::thread::spawn(move || {
            for line in stdout.lines() {
                let value = serde_json::from_str(&line.unwrap()).unwrap();
                heard.lock().unwrap().push(value);
            }
        });
        Receiver {
            child,
            port,
            lines,
            listener: Some(listener),
        }
    }

    /// Another one on the same port.
    pub(crate) fn start_again(port: u16) -> Self {
        Self::start_with(&[&port.to_string()])
    }

    /// The attributes of the records so far.
    pub(crate) fn records(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// Kills it. Gives all that it had received.
    pub(crate) fn kill(mut self) -> Vec<Value> {
        self.end()
    }

    /// Waits until it has ended by itself. Gives all that it had received.
    pub(crate) fn wait(mut self) -> Vec<Value> {
        wait_until("the receiver ends", || {
            self.child.try_wait().unwrap().is_some()
        });
        self.end()
    }

    fn end(&mut self) -> Vec<Value> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(listener) = self.listener.take() {
            listener.join().unwrap();
        }
        self.records()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.end();
    }
}

/// The messages among these records, each once.
pub(crate) fn messages(records: &[Value]) -> HashSet<String> {
    let message = |record: &Value| record["message"].as_str().map(str::to_owned);
    records.iter().filter_map(message).collect()
}

pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
