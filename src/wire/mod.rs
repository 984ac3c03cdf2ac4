//! Bytes from the wire become records: one file for each protocol, none of which does I/O.

pub mod pickle;
