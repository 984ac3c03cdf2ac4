//! The live tail: what is stored from now on, sent to any number of listeners.
//!
//! One thread looks for new ids while somebody listens, and asks once for all who want the same. The writer does not know of it.

mod events;
mod group;
mod hub;
mod outlet;
mod round;

pub(in crate::net::http::api) use events::EventId;
pub(in crate::net) use hub::Hub;
