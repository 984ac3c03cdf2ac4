//! Drives the built binary and the public API as a user would: real servers, real Python clients, real signals.
//!
//! One binary for all of it, so that what the tests share is compiled once. `LOGSTORE_TEST_PYTHON` names another Python than
//! `python3`; `LOGSTORE_TEST_UPDATE=1` writes the snapshots anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod access;
mod accounting;
mod api;
mod api_description;
mod api_names;
mod api_place;
mod api_refusals;
mod care;
#[path = "../certificates/mod.rs"]
mod certificates;
mod clients;
mod context;
mod counts;
mod cursor;
mod echo;
mod export;
mod export_store;
mod faults;
mod follow;
mod gaps;
mod help;
mod hostile;
mod http;
mod output;
mod own_fields;
mod power_cut;
mod protocols;
mod queries;
mod readme;
mod refusals;
mod requests;
mod retention;
mod send;
mod send_tls;
mod senders;
mod service;
mod shutdown;
mod spill;
mod sql;
mod strangers;
mod stream;
mod support;
mod terminal;
mod upgrade;
