//! A run of records on its way to the store: what the queue carries and the store appends.
//!
//! One buffer holds the text of all its records and one list each their sites and origins, so that a record costs the
//! hot path no allocation of its own.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::record::{LogRecord, Origin, Site};

/// Where a record's texts lie in the buffer of its batch: one behind the other, in this order.
#[derive(Debug, Clone, Copy)]
struct Row {
    created_ns: i64,
    site: u32,
    origin: u32,
    start: u32,
    message_end: u32,
    /// Ends of task name, `exc_text`, `stack_info` and extra.
    ends: [u32; 4],
    /// Which of those four are there: an empty text is not an absent one.
    present: u8,
}

/// The fields of a record that has not been put into a batch yet, borrowed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Texts<'a> {
    /// The message.
    pub message: &'a str,
    /// Python's `taskName`.
    pub task_name: Option<&'a str>,
    /// The traceback.
    pub exc_text: Option<&'a str>,
    /// The stack.
    pub stack_info: Option<&'a str>,
    /// Everything else, as the text of a JSON object.
    pub extra: Option<&'a str>,
}

/// One record of a [`Batch`], borrowed.
#[derive(Debug, Clone, Copy)]
pub struct RecordRef<'a> {
    /// Nanoseconds since the Unix epoch, UTC.
    pub created_ns: i64,
    /// Index into [`Batch::sites`].
    pub site: usize,
    /// Index into [`Batch::origins`].
    pub origin: usize,
    /// What was said.
    pub texts: Texts<'a>,
}

/// How full a batch was: what [`Batch::truncate`] goes back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    rows: usize,
    text: usize,
    sites: usize,
    origins: usize,
    listed_bytes: usize,
}

/// How many sites and origins a batch remembers the index of. A collision only lists one of them twice.
const RECENT: usize = 64;

/// A run of records in order of arrival.
#[derive(Debug, Clone)]
pub struct Batch {
    rows: Vec<Row>,
    text: String,
    sites: Vec<Arc<Site>>,
    origins: Vec<Arc<Origin>>,
    /// What the listed sites and origins may weigh: others may share them, but nobody has to.
    listed_bytes: usize,
    /// Index of the site last listed under this slot of its address.
    recent_sites: [u32; RECENT],
    /// Whether logstore itself has made these records.
    is_own: bool,
}

impl Default for Batch {
    fn default() -> Self {
        Batch {
            rows: Vec::new(),
            text: String::new(),
            sites: Vec::new(),
            origins: Vec::new(),
            listed_bytes: 0,
            recent_sites: [0; RECENT],
            is_own: false,
        }
    }
}

impl Batch {
    /// The longest text of one record, in bytes: well below `SQLite`'s own limit for a row of 1,000,000,000.
    pub const MAX_RECORD_BYTES: usize = 512 << 20;

    /// How many bytes of text a batch may hold before the next record needs a new one.
    pub const MAX_TEXT_BYTES: usize = u32::MAX as usize - Self::MAX_RECORD_BYTES;

    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same records as those that logstore itself has made.
    pub(crate) fn of_our_own(mut self) -> Self {
        self.is_own = true;
        self
    }

    /// Whether logstore itself has made them.
    pub(crate) fn is_own(&self) -> bool {
        self.is_own
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What the records weigh in memory, in bytes: their text, their sites and origins, and what each costs besides.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len() + self.rows.len() * size_of::<Row>() + self.listed_bytes
    }

    /// What a record with these texts will add to [`Batch::bytes`] at the least: its site and origin may be listed already.
    #[must_use]
    pub fn bytes_of(texts: &Texts<'_>) -> usize {
        texts.len() + size_of::<Row>()
    }

    /// The sites that records point to. One may be listed more than once.
    #[must_use]
    pub fn sites(&self) -> &[Arc<Site>] {
        &self.sites
    }

    /// The origins that records point to. One may be listed more than once.
    #[must_use]
    pub fn origins(&self) -> &[Arc<Origin>] {
        &self.origins
    }

    /// Lists a site and gives its index; a site listed lately keeps its index.
    pub fn site(&mut self, site: &Arc<Site>) -> usize {
        let slot = &mut self.recent_sites[(Arc::as_ptr(site).addr() >> 5) % RECENT];
        let index = *slot as usize;
        if self
            .sites
            .get(index)
            .is_some_and(|listed| Arc::ptr_eq(listed, site))
        {
            return index;
        }
        *slot = index_u32(self.sites.len());
        self.listed_bytes += size_of::<Site>() + site.text_bytes();
        self.sites.push(Arc::clone(site));
        self.sites.len() - 1
    }

    /// Lists an origin and gives its index; one listed just before keeps its index.
    pub fn origin(&mut self, origin: &Arc<Origin>) -> usize {
        let start = self.origins.len().saturating_sub(8);
        let recent = &self.origins[start..];
        if let Some(at) = recent
            .iter()
            .rposition(|listed| Arc::ptr_eq(listed, origin))
        {
            return start + at;
        }
        self.listed_bytes += size_of::<Origin>() + origin.text_bytes();
        self.origins.push(Arc::clone(origin));
        self.origins.len() - 1
    }

    /// Adds a record whose site and origin were listed with [`Batch::site`] and [`Batch::origin`].
    ///
    /// # Panics
    ///
    /// When the text of the batch would pass 4 GiB: a caller starts a new batch past [`Batch::MAX_TEXT_BYTES`] and takes no
    /// record over [`Batch::MAX_RECORD_BYTES`].
    pub fn push(&mut self, created_ns: i64, site: usize, origin: usize, texts: &Texts<'_>) {
        debug_assert!(site < self.sites.len() && origin < self.origins.len());
        let start = index_u32(self.text.len());
        self.text.push_str(texts.message);
        let message_end = index_u32(self.text.len());
        let mut row = Row {
            created_ns,
            site: index_u32(site),
            origin: index_u32(origin),
            start,
            message_end,
            ends: [message_end; 4],
            present: 0,
        };
        let optional = [
            texts.task_name,
            texts.exc_text,
            texts.stack_info,
            texts.extra,
        ];
        if optional.iter().any(Option::is_some) {
            for (i, text) in optional.into_iter().enumerate() {
                if let Some(text) = text {
                    self.text.push_str(text);
                    row.present |= 1 << i;
                }
                row.ends[i] = index_u32(self.text.len());
            }
        }
        self.rows.push(row);
    }

    /// Adds an owned record. Its extra fields become JSON text.
    pub fn push_record(&mut self, record: &LogRecord) {
        let extra = extra_json(record);
        self.push_with(record, &texts_of(record, extra.as_deref()));
    }

    /// Adds an owned record whose texts the caller has borrowed already.
    pub(crate) fn push_with(&mut self, record: &LogRecord, texts: &Texts<'_>) {
        let site = self.site(&record.site);
        let origin = self.origin(&record.origin);
        self.push(record.created_ns, site, origin, texts);
    }

    /// The time of the last one, in nanoseconds since the Unix epoch.
    pub(crate) fn last_created_ns(&self) -> Option<i64> {
        self.rows.last().map(|row| row.created_ns)
    }

    /// The records in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = RecordRef<'_>> + Clone {
        self.rows.iter().map(|row| {
            let mut start = row.message_end;
            let mut optional = [None; 4];
            if row.present != 0 {
                for (i, slot) in optional.iter_mut().enumerate() {
                    let end = row.ends[i];
                    if row.present & (1 << i) != 0 {
                        *slot = Some(&self.text[start as usize..end as usize]);
                    }
                    start = end;
                }
            }
            let [task_name, exc_text, stack_info, extra] = optional;
            RecordRef {
                created_ns: row.created_ns,
                site: row.site as usize,
                origin: row.origin as usize,
                texts: Texts {
                    message: &self.text[row.start as usize..row.message_end as usize],
                    task_name,
                    exc_text,
                    stack_info,
                    extra,
                },
            }
        })
    }

    /// An owned copy of one of this batch's records.
    #[must_use]
    pub fn to_record(&self, record: &RecordRef<'_>) -> LogRecord {
        let RecordRef {
            created_ns,
            site,
            origin,
            texts,
        } = *record;
        LogRecord {
            created_ns,
            site: Arc::clone(&self.sites[site]),
            origin: Arc::clone(&self.origins[origin]),
            message: texts.message.to_owned(),
            task_name: texts.task_name.map(str::to_owned),
            exc_text: texts.exc_text.map(str::to_owned),
            stack_info: texts.stack_info.map(str::to_owned),
            extra: texts.extra.map(extra_of_json).unwrap_or_default(),
        }
    }

    /// How full the batch is now.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            rows: self.rows.len(),
            text: self.text.len(),
            sites: self.sites.len(),
            origins: self.origins.len(),
            listed_bytes: self.listed_bytes,
        }
    }

    /// Takes back what was added since the mark, which is one of this batch, not emptied since.
    pub(crate) fn truncate(&mut self, mark: Mark) {
        self.rows.truncate(mark.rows);
        self.text.truncate(mark.text);
        self.sites.truncate(mark.sites);
        self.origins.truncate(mark.origins);
        self.listed_bytes = mark.listed_bytes;
    }

    /// How much memory the buffers take, filled or not.
    pub(crate) fn capacity_bytes(&self) -> usize {
        self.text.capacity() + self.rows.capacity() * size_of::<Row>()
    }

    /// Empties the batch and keeps its memory for the next records.
    pub fn clear(&mut self) {
        self.is_own = false;
        self.rows.clear();
        self.text.clear();
        self.sites.clear();
        self.origins.clear();
        self.listed_bytes = 0;
    }
}

impl<'a> FromIterator<&'a LogRecord> for Batch {
    fn from_iter<T: IntoIterator<Item = &'a LogRecord>>(records: T) -> Self {
        let mut batch = Batch::new();
        for record in records {
            batch.push_record(record);
        }
        batch
    }
}

/// The extra fields as the text of a JSON object; `None` when there are none.
pub(crate) fn extra_json(record: &LogRecord) -> Option<String> {
    if record.extra.is_empty() {
        return None;
    }
    Some(serde_json::to_string(&record.extra).expect("a map with text keys is always JSON"))
}

/// The extra fields of the text of a JSON object. What cannot be read, because it nests too deep or a foreign hand wrote it, is
/// kept as text under a key of its own.
pub(crate) fn extra_of_json(json: &str) -> Map<String, Value> {
    serde_json::from_str(json)
        .unwrap_or_else(|_| Map::from_iter([("unreadable".to_owned(), Value::from(json))]))
}

/// The texts of an owned record.
pub(crate) fn texts_of<'a>(record: &'a LogRecord, extra: Option<&'a str>) -> Texts<'a> {
    Texts {
        message: &record.message,
        task_name: record.task_name.as_deref(),
        exc_text: record.exc_text.as_deref(),
        stack_info: record.stack_info.as_deref(),
        extra,
    }
}

impl Texts<'_> {
    /// How many bytes the texts have together.
    #[must_use]
    pub fn len(&self) -> usize {
        let optional = [self.task_name, self.exc_text, self.stack_info, self.extra];
        self.message.len() + optional.into_iter().flatten().map(str::len).sum::<usize>()
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn index_u32(index: usize) -> u32 {
    u32::try_from(index).expect("a batch holds less than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;

    fn record(message: &str) -> LogRecord {
        LogRecord::new(Site::new("myapp", Level::INFO), message)
    }

    #[test]
    fn records_come_back_as_they_were_put_in() {
        let mut full = record("full").with("user", "ada").with("n", 3);
        full.task_name = Some("Task-1".into());
        full.exc_text = Some(String::new());
        full.stack_info = Some("Stack (most recent call last):".into());
        let records = [record("first"), full, record(""), record("last ✓")];
        let batch: Batch = records.iter().collect();
        let back: Vec<_> = batch.iter().map(|row| batch.to_record(&row)).collect();
        assert_eq!(back, records);
    }

    #[test]
    fn a_site_that_repeats_is_listed_once() {
        let site = Arc::new(Site::new("a", Level::INFO));
        let mut batch = Batch::new();
        for _ in 0..10 {
            batch.push_record(&LogRecord::new(Arc::clone(&site), "x"));
        }
        assert_eq!(
            (batch.len(), batch.sites().len(), batch.origins().len()),
            (10, 1, 1)
        );
    }

    #[test]
    fn a_site_weighs_what_its_texts_do() {
        let mut batch = Batch::new();
        batch.push_record(&LogRecord::new(
            Site::new("x".repeat(5000), Level::INFO),
            "",
        ));
        assert!(batch.bytes() > 5000);
    }

    #[test]
    fn extra_fields_that_cannot_be_read_are_kept_as_text() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500));
        assert_eq!(extra_of_json(&deep)["unreadable"], deep);
    }

    #[test]
    fn a_cleared_batch_is_as_good_as_new() {
        let mut batch: Batch = [record("old")].iter().collect();
        batch.clear();
        assert!(batch.is_empty() && batch.bytes() == 0);
        let new = record("new");
        batch.push_record(&new);
        let row = batch.iter().next().unwrap();
        assert_eq!(batch.to_record(&row), new);
    }
}
