//! A server as a `RecordStore`: what was sent is kept until the server has confirmed it.
//!
//! The protocol has no answers: what was written may wait in a buffer of the system's that nobody will read. So frames are
//! kept, and now and then the connection is ended in good order: a server that has read up to the end closes it, too. When a
//! connection breaks, all frames since the last such end are sent again, from the first byte of a frame.

use std::io;

use super::connection::{Connection, Target};
use crate::batch::Batch;
use crate::error::StoreError;
use crate::report::{Report, Reporter};
use crate::store::RecordStore;
use crate::wire::pickle::encode_frame;

/// How many bytes of frames may be unconfirmed. Twice as much memory is kept.
const UNCONFIRMED_BYTES: usize = 1 << 20;

/// See the module's documentation.
pub(super) struct SocketStore {
    target: Target,
    reporter: Reporter,
    connection: Option<Connection>,
    /// What is not confirmed.
    frames: Vec<u8>,
    /// How many of its bytes were written to this connection.
    written: usize,
}

impl SocketStore {
    /// The reporter is told of what a server did not take.
    pub(super) fn new(target: Target, reporter: Reporter) -> Self {
        SocketStore {
            target,
            reporter,
            connection: None,
            frames: Vec::new(),
            written: 0,
        }
    }

    /// Writes what was not written to this connection yet, and everything to a new one.
    fn send(&mut self) -> Result<(), StoreError> {
        // A server that has gone away is noticed before anything is written that only the system would take.
        let mut connection = if let Some(mut open) = self.connection.take()
            && !open.is_over()
        {
            open
        } else {
            self.written = 0;
            Connection::open(&self.target).map_err(|source| self.failed_to("reach", source))?
        };
        connection
            .send(&self.frames[self.written..])
            .map_err(|source| self.failed_to("send to", source))?;
        self.written = self.frames.len();
        self.connection = Some(connection);
        Ok(())
    }

    fn is_due(&self) -> bool {
        let since = self.connection.as_ref().map(|connection| connection.since);
        self.frames.len() >= UNCONFIRMED_BYTES
            || since.is_some_and(|since| since.elapsed() >= self.target.confirm_every)
    }

    fn failed_to(&self, doing: &'static str, source: io::Error) -> StoreError {
        let server = self.server();
        StoreError::Server {
            doing,
            server,
            source,
        }
    }

    fn server(&self) -> String {
        let Target { host, port, .. } = &self.target;
        format!("{host}:{port}")
    }
}

impl RecordStore for SocketStore {
    fn append(&mut self, batches: &[Batch]) -> Result<(), StoreError> {
        let unconfirmed = self.frames.len();
        for batch in batches {
            for record in batch.iter() {
                encode_frame(&batch.to_record(&record), &mut self.frames);
            }
        }
        let mut sent = self.send();
        if sent.is_ok() && self.is_due() {
            sent = self.confirm();
        }
        if sent.is_err() {
            // The same batches will come again. The connection is gone, perhaps in the middle of a frame.
            self.frames.truncate(unconfirmed);
        }
        sent
    }

    fn is_certain(&self) -> bool {
        self.frames.is_empty()
    }

    fn confirm(&mut self) -> Result<(), StoreError> {
        if self.frames.is_empty() {
            return Ok(());
        }
        self.send()?;
        if let Some(connection) = self.connection.take() {
            let notice = connection
                .finish()
                .map_err(|source| self.failed_to("send to", source))?;
            if let Some(notice) = notice {
                let server = self.server();
                (self.reporter)(&Report::RecordsRefused { server, notice });
            }
        }
        self.frames.clear();
        self.frames.shrink_to(2 * UNCONFIRMED_BYTES);
        Ok(())
    }
}
