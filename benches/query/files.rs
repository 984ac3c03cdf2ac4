//! The files that are asked: made once, and kept in the target directory.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::slice;

use logstore::{
    Batch, Durability, JsonFormat, RecordFormat as _, RecordStore as _, SCHEMA_VERSION,
    SqliteStore, StoredRecord,
};

use crate::Result;
use crate::records::{GENERATOR, records};
use crate::trees;

/// What the writer takes in one transaction when it has much to do.
const RECORDS_PER_APPEND: usize = 4096;

/// The same records in three forms.
pub(crate) struct Files {
    /// As this project stores them.
    pub(crate) store: PathBuf,
    /// As rows with B-trees and a full-text index.
    pub(crate) trees: PathBuf,
    /// As the lines that `logstore query -o json` prints.
    pub(crate) lines: PathBuf,
}

impl Files {
    /// Makes those that are not there yet, or were made of something else.
    pub(crate) fn get(total: usize) -> Result<Files> {
        let path = |suffix: &str| {
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("query-bench-{total}{suffix}"))
        };
        let files = Files {
            store: path(".sqlite"),
            trees: path("-trees.sqlite"),
            lines: path(".jsonl"),
        };
        let made_of = |what: &str| format!("generator {GENERATOR}\n{what}\n");
        let schema = format!("schema {SCHEMA_VERSION}");
        keep(&files.store, &made_of(&schema), |path| store(path, total))?;
        keep(&files.trees, &made_of(&trees::make_up()), |path| {
            trees::make(path, total)
        })?;
        keep(&files.lines, &made_of("JSON lines"), |path| {
            lines(path, total)
        })?;
        Ok(files)
    }
}

/// Makes the file unless it is there and a note beside it says that it is made of the same.
fn keep(path: &Path, made_of: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let note = beside(path, ".made-of");
    if path.exists() && fs::read_to_string(&note).is_ok_and(|found| found == made_of) {
        return Ok(());
    }
    writeln!(io::stderr(), "making {}", path.display())?;
    let new = beside(path, ".new");
    for old in [&note, path, &new] {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            remove(&beside(old, suffix))?;
        }
    }
    make(&new)?;
    fs::rename(&new, path)?;
    // The last step: a file without its note is made anew.
    Ok(fs::write(&note, made_of)?)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn store(path: &Path, total: usize) -> Result<()> {
    let mut store = SqliteStore::open(path, Durability::Normal)?;
    let mut batch = Batch::new();
    for record in records(total) {
        batch.push_record(&record);
        if batch.len() == RECORDS_PER_APPEND {
            store.append(slice::from_ref(&batch))?;
            batch.clear();
        }
    }
    store.append(slice::from_ref(&batch))?;
    while store.maintain()?.more {}
    Ok(())
}

fn lines(path: &Path, total: usize) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create_new(path)?);
    let (mut format, mut line) = (JsonFormat::new(), Vec::new());
    for (id, record) in (1..).zip(records(total)) {
        line.clear();
        format.write(&StoredRecord { id, record }, &mut line);
        file.write_all(&line)?;
    }
    Ok(file.flush()?)
}
