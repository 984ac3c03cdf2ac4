//! The `logstore` program.

fn main() {}
