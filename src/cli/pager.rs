//! A pager between a long answer and the terminal, found and started as git does it.

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use clap::Args;
use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// The pager when none is named: what fits on the screen is just shown, colors pass, and the text stays there afterwards.
const DEFAULT: &str = "less -FRX";

/// What pagers are told in the environment when the user tells them nothing there.
const SETTINGS: [(&str, &str); 2] = [("LESS", "FRX"), ("LV", "-c")];

/// More than a pipe holds: a pager that has taken so much has been started.
const KEPT_BYTES: usize = 1 << 20;

/// How a shell says that it could not start a command.
const NOT_STARTED: [Option<i32>; 2] = [Some(126), Some(127)];

#[derive(Debug, Args)]
pub(super) struct PagerArguments {
    /// On a terminal, show a long answer without a pager, which is `LOGSTORE_PAGER`, `PAGER` or less
    #[arg(long, help_heading = "The answer")]
    no_pager: bool,
}

impl PagerArguments {
    pub(super) fn paging(&self) -> Paging {
        if self.no_pager {
            Paging::NONE
        } else {
            Paging::from_environment()
        }
    }
}

/// Which pager to use.
pub(super) struct Paging {
    /// For a shell.
    command: Option<String>,
}

impl Paging {
    pub(super) const NONE: Paging = Paging { command: None };

    /// The one that the environment names. None where nobody would see it.
    fn from_environment() -> Self {
        if !cfg!(unix) || !io::stdout().is_terminal() {
            return Paging::NONE;
        }
        let named = ["LOGSTORE_PAGER", "PAGER"]
            .into_iter()
            .find_map(env::var_os);
        let command = match named {
            Some(named) => named.into_string().ok(),
            // A shell would complain of each answer that there is no less.
            None => is_installed("less").then(|| DEFAULT.to_owned()),
        };
        Paging {
            command: command.filter(|command| !matches!(command.trim(), "" | "cat")),
        }
    }

    /// Starts it. When that cannot be, standard output will do.
    fn start(&self) -> Out {
        let pager = self.command.as_deref().map(Pager::start);
        match pager {
            Some(Ok(pager)) => Out::Pager(pager),
            _ => Out::stdout(),
        }
    }
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Where an answer goes.
pub(super) enum Out {
    /// Nothing has been written. A pager that was started now would hide what is said while somebody waits.
    NotYet(Paging),
    Stdout(io::StdoutLock<'static>),
    Pager(Pager),
}

impl Out {
    fn stdout() -> Self {
        Out::Stdout(io::stdout().lock())
    }

    /// Writes and flushes. A pager that the user has left is a closed pipe.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Out::NotYet(paging) = self {
            *self = paging.start();
        }
        let mut unseen = None;
        if let Out::Pager(pager) = self {
            match pager.write(bytes) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                    unseen = Some(pager.end().ok_or(error)?);
                }
                written => return written,
            }
            *self = Out::stdout();
        }
        if let Out::Stdout(out) = self {
            out.write_all(unseen.as_deref().unwrap_or(bytes))?;
            out.flush()?;
        }
        Ok(())
    }
}

/// A running pager. Whoever drops it waits until the user leaves it: two readers of one terminal, a shell and an orphaned pager,
/// would share its keys.
pub(super) struct Pager {
    child: Child,
    input: Option<ChildStdin>,
    /// All that was written, as long as the pager may turn out not to have been started.
    kept: Option<Vec<u8>>,
}

impl Pager {
    fn start(command: &str) -> io::Result<Self> {
        // Ctrl-C is for the pager to answer. This handler does nothing, and the pager gets the default back when it is started.
        flag::register(SIGINT, Arc::default())?;
        let settings = SETTINGS
            .iter()
            .filter(|(name, _)| env::var_os(name).is_none());
        let mut child = Command::new("sh")
            .args(["-c", command])
            .envs(settings.copied())
            .stdin(Stdio::piped())
            .spawn()?;
        Ok(Pager {
            input: child.stdin.take(),
            child,
            kept: Some(Vec::new()),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.kept = self.kept.take().filter(|kept| kept.len() < KEPT_BYTES);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        let closed = || io::Error::from(ErrorKind::BrokenPipe);
        self.input.as_mut().ok_or_else(closed)?.write_all(bytes)
    }

    /// Waits for its end, and gives what nobody has seen because it was never started.
    fn end(&mut self) -> Option<Vec<u8>> {
        self.input = None;
        let status = self.child.wait().ok()?;
        self.kept
            .take()
            .filter(|_| NOT_STARTED.contains(&status.code()))
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        if let Some(unseen) = self.end() {
            // Nobody is left who could be told.
            let _ = io::stdout().lock().write_all(&unseen);
        }
    }
}
