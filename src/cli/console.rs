//! Standard output for data, standard error for talk.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use crossbeam_channel::{Receiver, Sender, bounded};
use logstore::{Coloring, Controls, Progress};

use super::pager::{Out, Paging};
use super::progress::Waiting;

/// How much may pile up before it is written.
pub(super) const BUFFER_BYTES: usize = 64 << 10;

/// Says something on stderr, marked as ours. When nobody listens there, nobody is told.
pub(super) fn say(text: &str) {
    // What a file or a client has put into it must not steer the terminal.
    let text: String = text
        .chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{FFFD}'
            } else {
                c
            }
        })
        .collect();
    let _ = writeln!(io::stderr().lock(), "logstore: {text}");
}

/// Says that the index is damaged, if it is.
pub(super) fn tell_of_damage(blocks: usize) {
    if blocks > 0 {
        say(&format!(
            "damaged blocks of the index: {blocks}; their records were read instead, and the next `logstore serve` makes them anew"
        ));
    }
}

/// Whether the error is that the reader of our output has gone: `logstore query | head`.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// When to color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    pub(super) fn coloring(self) -> Coloring {
        let color = match self {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        if color {
            Coloring::Always
        } else {
            Coloring::Never
        }
    }
}

/// What becomes of control characters: a program that reads the answer gets what was logged; a terminal must not obey it.
pub(super) fn controls() -> Controls {
    if io::stdout().is_terminal() {
        Controls::Escaped
    } else {
        Controls::Raw
    }
}

/// Standard output, perhaps through a pager, written in large pieces.
pub(super) struct Data {
    out: Out,
    /// Until something is written.
    waiting: Option<Waiting>,
    /// What waits to be written: formats append to it.
    pub(super) buffer: Vec<u8>,
}

impl Data {
    /// Whoever waits sees this progress until something is written.
    pub(super) fn new(paging: Paging, progress: &Progress) -> Self {
        Data {
            out: Out::NotYet(paging),
            waiting: Some(Waiting::start("searching", progress)),
            buffer: Vec::with_capacity(2 * BUFFER_BYTES),
        }
    }

    /// Writes what waits if it is much.
    pub(super) fn write_if_full(&mut self) -> io::Result<()> {
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.waiting = None;
        self.out.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// How long an end waits for a stream that takes nothing, such as a terminal after Ctrl-S.
const FINISH_TIMEOUT: Duration = Duration::from_secs(1);

/// A thread that may hang on a stream that nobody reads: its end is waited for, but not for ever.
pub(super) struct Background {
    /// Nothing is ever sent: its other end is gone when the thread has ended.
    ended: Receiver<()>,
}

impl Background {
    pub(super) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (running, ended) = bounded(0);
        thread::Builder::new().name(name.into()).spawn(move || {
            work();
            drop(running);
        })?;
        Ok(Background { ended })
    }

    /// Waits for the end, which must have been asked for.
    pub(super) fn finish(self) {
        // Disconnected is what is hoped for.
        let _ = self.ended.recv_timeout(FINISH_TIMEOUT);
    }
}

/// How many lines may wait for stderr.
const TALK_WAITING: usize = 256;

/// Says things on stderr without ever waiting for it: for threads that have better to do.
#[derive(Clone)]
pub(super) struct Talk {
    lines: Sender<String>,
    skipped: Arc<AtomicU64>,
}

impl Talk {
    /// It ends when all its clones are gone.
    pub(super) fn start() -> io::Result<(Talk, Background)> {
        let (lines, receiver) = bounded::<String>(TALK_WAITING);
        let skipped = Arc::new(AtomicU64::new(0));
        let talk = Talk {
            lines,
            skipped: Arc::clone(&skipped),
        };
        let background = Background::start("logstore-talk", move || {
            for line in receiver {
                say(&line);
                let missing = skipped.swap(0, Ordering::Relaxed);
                if missing > 0 {
                    say(&format!(
                        "... {missing} messages left out: nobody read them"
                    ));
                }
            }
        })?;
        Ok((talk, background))
    }

    pub(super) fn say(&self, text: impl Into<String>) {
        if self.lines.try_send(text.into()).is_err() {
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
