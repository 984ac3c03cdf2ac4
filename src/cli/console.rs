//! Standard output for data, standard error for talk.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use logstore::Coloring;

/// How much may pile up before it is written.
const BUFFER_BYTES: usize = 64 << 10;

/// Says something on stderr, marked as ours. When nobody listens there, nobody is told.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "logstore: {text}");
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

/// Standard output, locked, written in large pieces.
pub(super) struct Data {
    out: io::StdoutLock<'static>,
    /// What waits to be written: formats append to it.
    pub(super) buffer: Vec<u8>,
}

impl Data {
    pub(super) fn new() -> Self {
        Data {
            out: io::stdout().lock(),
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
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        self.out.flush()
    }
}
