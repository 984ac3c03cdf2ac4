//! What a server has done so far, on one line.

use std::fmt;

use crate::net::{ReceiverCounters, Source};
use crate::queue::Counters;
use crate::report::counted;

/// What a server has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Summary {
    /// What became of the records.
    pub records: Counters,
    /// How many connections were accepted.
    pub connections: u64,
    /// How many were closed at once since too many were open.
    pub refused: u64,
    /// How many frames, messages and requests could not be decoded or did not arrive completely.
    pub bad_frames: u64,
    /// How many bytes came, packed as they came.
    pub bytes: u64,
    /// How many records retention has removed.
    pub removed: u64,
    received: [u64; Source::ALL.len()],
}

impl Summary {
    pub(super) fn of(records: Counters, removed: u64, counters: &ReceiverCounters) -> Self {
        let load = |counter: &std::sync::atomic::AtomicU64| {
            counter.load(std::sync::atomic::Ordering::Relaxed)
        };
        Summary {
            records,
            connections: load(&counters.connections),
            refused: load(&counters.refused),
            bad_frames: counters.bad_frames(),
            bytes: load(&counters.bytes),
            removed,
            received: Source::ALL.map(|source| load(&counters.of(source).received)),
        }
    }

    /// How many records came by this way.
    #[must_use]
    pub fn received(&self, source: Source) -> u64 {
        self.received[source as usize]
    }
}

/// One line: what was received, by which ways when there was more than one, and what became of it.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters {
            accepted,
            left_behind,
            stored,
            dropped,
            failed,
            queued,
            spilled,
            duplicates,
            shed,
            ..
        } = self.records;
        write!(
            f,
            "{} received over {}",
            counted(accepted - left_behind, "record", "records"),
            counted(self.connections, "connection", "connections"),
        )?;
        let spoken = || {
            Source::ALL
                .iter()
                .filter(|source| self.received(**source) > 0)
        };
        if spoken().count() > 1 {
            let mut open = " (";
            for source in spoken() {
                write!(f, "{open}{} {}", source.name(), self.received(*source))?;
                open = ", ";
            }
            f.write_str(")")?;
        }
        if left_behind > 0 {
            write!(f, " and {left_behind} left by an earlier server")?;
        }
        write!(f, ", {stored} stored, {dropped} dropped")?;
        if shed > 0 {
            write!(f, ", {shed} left out for want of room on the disk")?;
        }
        if duplicates > 0 {
            write!(f, ", {duplicates} came twice")?;
        }
        if spilled > 0 {
            write!(f, ", {spilled} kept in the spill file")?;
        }
        let waiting = queued.saturating_sub(spilled);
        if waiting > 0 {
            write!(f, ", {waiting} waiting")?;
        }
        if failed > 0 {
            write!(f, ", {failed} could not be stored")?;
        }
        if self.bad_frames > 0 {
            let frames = counted(self.bad_frames, "frame", "frames");
            write!(f, "; {frames} could not be decoded")?;
        }
        if self.removed > 0 {
            let records = counted(self.removed, "record", "records");
            write!(f, "; {records} removed by retention")?;
        }
        if self.refused > 0 {
            let refused = counted(self.refused, "connection", "connections");
            write!(f, "; {refused} turned away")?;
        }
        Ok(())
    }
}
