//! A [`Query`](crate::query::Query) made ready for a scan: ids of the wanted sites and origins, and what the texts must hold.

mod field;
mod needle;
mod own;
mod texts;
mod wanted;

pub(super) use texts::TextFilter;
pub(super) use wanted::{IdSet, Wanted, wanted_origins, wanted_sites};
