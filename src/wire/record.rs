//! A record as its protocol brought it: borrowed, before its site and its origin are looked up.

use super::Context;
use super::intern::{Interner, OriginKey, SiteKey};
use super::text::text;
use crate::batch::{Batch, Texts};
use crate::error::WireError;

/// The fields of one record. What the sender did not say is empty or `None`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WireRecord<'a> {
    /// Nanoseconds since the Unix epoch, UTC.
    pub(super) created_ns: Option<i64>,
    pub(super) site: SiteKey<'a>,
    pub(super) origin: OriginKey<'a>,
    pub(super) texts: Texts<'a>,
}

impl WireRecord<'_> {
    /// Adds the record to the batch; the context knows what the sender did not say.
    ///
    /// # Errors
    ///
    /// [`WireError::RecordTooLarge`]: nothing is added.
    pub(super) fn put(
        &self,
        interner: &mut Interner,
        context: &Context<'_>,
        batch: &mut Batch,
    ) -> Result<(), WireError> {
        let bytes = self.texts.len();
        if bytes > Batch::MAX_RECORD_BYTES {
            return Err(WireError::RecordTooLarge {
                bytes,
                limit: Batch::MAX_RECORD_BYTES,
            });
        }
        let site = batch.site(interner.site(&self.site, text));
        let mut origin = self.origin;
        if origin.hostname.is_empty() {
            origin.hostname = context.hostname.as_bytes();
        }
        let origin = batch.origin(interner.origin(&origin, text));
        batch.push(
            self.created_ns.unwrap_or(context.now_ns),
            site,
            origin,
            &self.texts,
        );
        Ok(())
    }
}
