//! The server's own records, of the logger `logstore`: so that the log itself tells of starts, stops and losses.

use std::net::SocketAddr;
use std::path::Path;

use super::Summary;
use crate::level::Level;
use crate::record::LogRecord;

/// Whether a server keeps records of its own. They are in no count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnRecords {
    /// None, but of drops.
    #[default]
    Off,
    /// Of starts and stops at INFO; at WARNING of a database that takes records again, and of drops.
    On,
}

pub(super) fn started(address: SocketAddr, path: &Path) -> LogRecord {
    let version = env!("CARGO_PKG_VERSION");
    let file = path.display().to_string();
    let message = format!("logstore {version} listens on {address}, writing to {file}");
    LogRecord::own(Level::INFO, message)
        .with("version", version)
        .with("address", address.to_string())
        .with("file", file)
}

pub(super) fn stopped(summary: &Summary) -> LogRecord {
    let records = summary.records;
    let lost = records.dropped + records.failed + records.shed;
    let level = if lost > 0 {
        Level::WARNING
    } else {
        Level::INFO
    };
    LogRecord::own(level, format!("stopped: {summary}"))
        .with("received", records.accepted - records.left_behind)
        .with("stored", records.stored)
        .with("duplicates", records.duplicates)
        .with("dropped", records.dropped)
        .with("shed", records.shed)
        .with("failed", records.failed)
        .with("spilled", records.spilled)
        .with("rejected", summary.bad_frames)
        .with("connections", summary.connections)
}
