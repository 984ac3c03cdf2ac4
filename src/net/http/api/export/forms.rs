//! What an export is made of: text, written as it is found, or a database, which is finished before it is sent.

use std::fs::File;
use std::io::Read as _;

use super::super::problem::Problem;
use super::made::Step;
use super::place::{OwnDirectory, Place, failed, unmade};
use crate::batch::Batch;
use crate::error::StoreError;
use crate::format::RecordFormat;
use crate::query::Query;
use crate::store::{Durability, Reader, RecordStore as _, Records, SqliteStore};

/// How large a piece of a body is.
const PIECE_BYTES: usize = 256 << 10;

/// How many records, and how much of them, one transaction of a copy has.
const BATCH_RECORDS: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;

/// An answer that has not been asked for yet, or has been read so far.
struct Asked {
    reader: Reader,
    query: Query,
    records: Option<Records>,
}

impl Asked {
    fn records(&mut self) -> Result<&mut Records, StoreError> {
        match &mut self.records {
            Some(records) => Ok(records),
            none => Ok(none.insert(self.reader.query(&self.query)?)),
        }
    }
}

/// Records as text.
pub(super) struct Writing {
    asked: Asked,
    format: Box<dyn RecordFormat + Send>,
}

impl Writing {
    pub(super) fn new(reader: Reader, query: Query, format: Box<dyn RecordFormat + Send>) -> Self {
        Writing {
            asked: Asked {
                reader,
                query,
                records: None,
            },
            format,
        }
    }
}

impl Step for Writing {
    fn step(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        let mut piece = Vec::new();
        if self.asked.records.is_none() {
            self.format.begin(&mut piece);
        }
        let records = self.asked.records()?;
        while piece.len() < PIECE_BYTES {
            let Some(stored) = records.next().transpose()? else {
                break;
            };
            self.format.write(&stored, &mut piece);
        }
        Ok((!piece.is_empty()).then_some(piece))
    }
}

/// Records as a database of their own, in a directory of its own, which goes when all of them are in it: what is sent has no name any more.
pub(super) struct Copying {
    asked: Asked,
    place: Place,
    state: State,
}

enum State {
    New,
    Filling(OwnDirectory, Box<SqliteStore>),
    Sending { file: File, left: u64 },
    Over,
}

impl Copying {
    pub(super) fn new(reader: Reader, query: Query, place: Place) -> Self {
        Copying {
            asked: Asked {
                reader,
                query,
                records: None,
            },
            place,
            state: State::New,
        }
    }

    /// Stores the next few records, where there is room for them; `false` when there is none.
    fn fill(&mut self, store: &mut SqliteStore) -> Result<bool, Problem> {
        let records = self.asked.records()?;
        let mut batch = Batch::new();
        while batch.len() < BATCH_RECORDS && batch.bytes() < BATCH_BYTES {
            let Some(stored) = records.next().transpose()? else {
                break;
            };
            batch.push_record(&stored.record);
        }
        let is_more = !batch.is_empty();
        if is_more {
            self.place.check_room(batch.bytes())?;
            store.append(&[batch]).map_err(|error| failed(&error))?;
        }
        Ok(is_more)
    }

    /// The next piece of the file.
    fn read(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        let State::Sending { file, left } = &mut self.state else {
            return Ok(None);
        };
        self.place.check_rest()?;
        let mut piece = Vec::new();
        let read = file.take(PIECE_BYTES as u64).read_to_end(&mut piece);
        read.map_err(|error| unmade(&error))?;
        *left = left.saturating_sub(piece.len() as u64);
        Ok((!piece.is_empty()).then_some(piece))
    }
}

impl Step for Copying {
    fn step(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::New => {
                self.place.check_room(0)?;
                let own = self.place.make()?;
                let store = SqliteStore::open(own.file(), Durability::Normal);
                let store = store.map_err(|error| failed(&error))?;
                self.state = State::Filling(own, Box::new(store));
                return Ok(Some(Vec::new()));
            }
            State::Filling(own, mut store) => {
                if self.fill(&mut store)? {
                    self.state = State::Filling(own, store);
                    return Ok(Some(Vec::new()));
                }
                // What is in its log goes into the file.
                drop(store);
                let file = File::open(own.file());
                let sized = file.and_then(|file| Ok((file.metadata()?.len(), file)));
                let (left, file) = sized.map_err(|error| unmade(&error))?;
                self.state = State::Sending { file, left };
            }
            sending => self.state = sending,
        }
        self.read()
    }

    fn left_bytes(&self) -> Option<u64> {
        match &self.state {
            State::Sending { left, .. } => Some(*left),
            _ => None,
        }
    }
}
