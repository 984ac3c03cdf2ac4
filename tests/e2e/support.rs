//! What the tests share: a store in a directory of its own, a running server, the command line, Python, waiting.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that should take milliseconds. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Local time of everything that is started here: five and a half hours ahead, all year, and in no need of a time zone database.
pub(crate) const ZONE: &str = "XST-5:30";

/// A directory that vanishes with the test, and the name of a store in it.
pub(crate) struct Store {
    dir: TempDir,
    pub(crate) db: PathBuf,
}

impl Store {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("runs.sqlite");
        Store { dir, db }
    }

    /// Another file in the same directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What `logstore query` answers. It must not fail, nor talk of more than what `-n` left out.
    pub(crate) fn query(&self, arguments: &[&str]) -> String {
        query(&self.db, arguments)
    }

    /// `logstore COMMAND --db DB ARGUMENTS`.
    pub(crate) fn run(&self, command: &str, arguments: &[&str]) -> Output {
        let mut program = logstore([command, "--db"]);
        program.arg(&self.db).args(arguments).output().unwrap()
    }

    /// What a command answers. It must not fail, nor talk.
    #[track_caller]
    pub(crate) fn answer(&self, command: &str, arguments: &[&str]) -> String {
        let output = self.run(command, arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The records of an answer as JSON objects.
    pub(crate) fn records(&self, arguments: &[&str]) -> Vec<Value> {
        self.query(&[&["-o", "json"], arguments].concat())
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// How many records are committed.
    pub(crate) fn count(&self) -> usize {
        let count: i64 = Connection::open(&self.db)
            .unwrap()
            .query_row("SELECT count(*) FROM record", [], |row| row.get(0))
            .unwrap();
        usize::try_from(count).unwrap()
    }
}

/// `logstore query --db DB ARGUMENTS`.
pub(crate) fn query(db: &Path, arguments: &[&str]) -> String {
    let output = logstore([OsStr::new("query"), OsStr::new("--db"), db.as_os_str()])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    let is_cut = said.ends_with("of more matching records are shown; -n N shows more\n");
    assert!(
        said.is_empty() || is_cut && said.lines().count() == 1,
        "{arguments:?}: {said}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The program with these arguments, in an environment that the machine at hand does not colour.
pub(crate) fn logstore<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_logstore"));
    command
        .args(arguments)
        .env_remove("LOGSTORE_DB")
        .env_remove("NO_COLOR")
        .env("TZ", ZONE)
        .env("COLUMNS", "100")
        .stdin(Stdio::null());
    command
}

/// Runs a script of `tests/clients` with this Python. It must succeed, and print nothing on stderr, where Python's logging tells of
/// records that it could not send. Gives what it printed on stdout.
pub(crate) fn python_of<I: AsRef<OsStr>>(
    python: &str,
    script: &str,
    arguments: impl IntoIterator<Item = I>,
) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let output = Command::new(python)
        .arg("-B")
        .arg(path.join(script))
        .args(arguments)
        .env("TZ", ZONE)
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap_or_else(|error| panic!("cannot run {python}: {error}"));
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && talk.is_empty(),
        "{python} {script}: {}\n{talk}",
        output.status
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The Python to test with.
pub(crate) fn python() -> String {
    std::env::var("LOGSTORE_TEST_PYTHON").unwrap_or_else(|_| "python3".into())
}

/// Waits for something to become true.
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(comes_true(condition), "waited too long: {what}");
}

fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// A running `logstore serve` on a port of its own. It is killed when the test ends without having stopped it.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    said: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
}

/// How a server ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Server {
    pub(crate) fn start(db: &Path) -> Self {
        Self::start_with(db, &[])
    }

    /// With these flags. Standard output is thrown away.
    #[track_caller]
    pub(crate) fn start_with(db: &Path, arguments: &[&str]) -> Self {
        Self::start_to(Stdio::null(), db, arguments)
    }

    /// Starts it with this standard output and waits until it listens.
    #[track_caller]
    pub(crate) fn start_to(stdout: Stdio, db: &Path, arguments: &[&str]) -> Self {
        let mut command = logstore([OsStr::new("serve"), OsStr::new("--db"), db.as_os_str()]);
        command.args(["--port", "0"]).args(arguments).stdout(stdout);
        Self::start_command(command)
    }

    /// Starts it from a shell after this command.
    #[track_caller]
    pub(crate) fn start_under(db: &Path, first: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{first} && exec \"$0\" \"$@\"")])
            .args([
                env!("CARGO_BIN_EXE_logstore"),
                "serve",
                "--port",
                "0",
                "--db",
            ])
            .arg(db)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Self::start_command(command)
    }

    #[track_caller]
    fn start_command(mut command: Command) -> Self {
        // The records of a test are its own, unless it asks for others.
        if !command
            .get_args()
            .any(|argument| argument == "--own-records")
        {
            command.args(["--own-records", "off"]);
        }
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let listener = std::thread::spawn(move || {
            for line in stderr.lines() {
                let mut heard = heard.lock().unwrap();
                heard.push_str(&line.unwrap());
                heard.push('\n');
            }
        });
        let mut address = None;
        let listens = comes_true(|| {
            address = said.lock().unwrap().lines().find_map(listening_address);
            address.is_some() || child.try_wait().unwrap().is_some()
        });
        let Some(address) = address.filter(|_| listens) else {
            let _ = child.kill();
            panic!("the server does not listen: {}", said.lock().unwrap());
        };
        Server {
            child,
            address,
            said,
            listener: Some(listener),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The memory that it has at the moment.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() << 10
    }

    pub(crate) fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// Runs a script with the port as its first argument.
    pub(crate) fn python(&self, script: &str, arguments: &[&str]) -> String {
        python_of(
            &python(),
            script,
            [&[self.port().as_str()], arguments].concat(),
        )
    }

    /// What it has said on stderr so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    #[track_caller]
    pub(crate) fn wait_until_said(&self, text: &str) {
        assert!(
            comes_true(|| self.said().contains(text)),
            "the server never said {text:?} but: {}",
            self.said()
        );
    }

    /// Waits until nobody can connect any more: the stop has begun.
    pub(crate) fn wait_until_deaf(&self) {
        wait_until("the server stops listening", || {
            TcpStream::connect(self.address).is_err()
        });
    }

    /// Sends a signal by its name: TERM, INT, KILL.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success(), "cannot send SIG{name}");
    }

    /// SIGTERM, and the end: exit code 0, and no half-said talk.
    pub(crate) fn terminate(self) -> Ended {
        self.signal("TERM");
        let ended = self.wait();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        ended
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        let began = Instant::now();
        let ended = comes_true(|| self.child.try_wait().unwrap().is_some());
        assert!(ended, "the server does not end: {}", self.said());
        let took = began.elapsed();
        self.listener.take().unwrap().join().unwrap();
        Ended {
            status: self.child.wait().unwrap(),
            stderr: self.said(),
            took,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn listening_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on ")?;
    rest.split([',', ' ']).next()?.parse().ok()
}

/// A frame as a `SocketHandler` sends it, with the least that makes a record.
pub(crate) fn frame(name: &str, level: i32, message: &str) -> Vec<u8> {
    let mut pickle = vec![0x80, 2, b'}', b'('];
    let put = |text: &str, pickle: &mut Vec<u8>| {
        pickle.push(b'X');
        pickle.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        pickle.extend(text.as_bytes());
    };
    for (key, value) in [("name", name), ("msg", message), ("levelname", "A")] {
        put(key, &mut pickle);
        put(value, &mut pickle);
    }
    put("levelno", &mut pickle);
    pickle.push(b'J');
    pickle.extend(level.to_le_bytes());
    put("args", &mut pickle);
    pickle.extend(b"Nu.");
    framed(&pickle)
}

/// A payload behind its length.
pub(crate) fn framed(payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap();
    [&len.to_be_bytes(), payload].concat()
}

/// Connects, sends, closes.
pub(crate) fn send(address: SocketAddr, bytes: &[u8]) {
    TcpStream::connect(address)
        .unwrap()
        .write_all(bytes)
        .unwrap();
}
