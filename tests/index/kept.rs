//! What a file should hold, kept beside it in a `Vec`, and whether it says so itself.

use std::collections::BTreeMap;

use logstore::{Count, Error, Every, GroupBy, LogRecord, Query, QueryError, Reader, Zone};
use rusqlite::Connection;

use super::File;
use super::model::{Seen, assert_answer, is_within, wants};

const SECOND: i64 = 1_000_000_000;

/// A record as it stands in the file.
struct Row {
    id: i64,
    record: LogRecord,
    /// By which of the questions it is wanted, whatever its id.
    wanted: Vec<bool>,
}

/// The records of a file in the order of their ids, and questions about them.
pub(crate) struct Kept {
    questions: Vec<Query>,
    rows: Vec<Row>,
    /// The highest id that a deleted record had.
    deleted: i64,
}

impl Kept {
    pub(crate) fn new(questions: Vec<Query>) -> Self {
        Kept {
            questions,
            rows: Vec::new(),
            deleted: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn ids(&self) -> impl DoubleEndedIterator<Item = i64> {
        self.rows.iter().map(|row| row.id)
    }

    pub(crate) fn record(&self, id: i64) -> &LogRecord {
        let place = self.rows.binary_search_by_key(&id, |row| row.id);
        &self.rows[place.unwrap()].record
    }

    fn row(&self, id: i64, record: LogRecord) -> Row {
        let seen = Seen::new(&record);
        let wanted = self.questions.iter().map(|query| wants(query, &seen));
        Row {
            id,
            wanted: wanted.collect(),
            record,
        }
    }

    /// Adds records under the ids that a store gives them.
    pub(crate) fn append(&mut self, records: &[LogRecord]) {
        let last = self.rows.last().map_or(0, |row| row.id);
        let next = last.max(self.deleted) + 1;
        for (id, record) in (next..).zip(records) {
            let row = self.row(id, record.clone());
            self.rows.push(row);
        }
    }

    pub(crate) fn delete(&mut self, gone: impl Fn(i64) -> bool) {
        let last = self.ids().rfind(|id| gone(*id));
        self.deleted = self.deleted.max(last.unwrap_or_default());
        self.rows.retain(|row| !gone(row.id));
    }

    pub(crate) fn change(&mut self, id: i64, change: impl FnOnce(&mut LogRecord)) {
        let place = self.rows.binary_search_by_key(&id, |row| row.id).unwrap();
        let mut record = self.rows[place].record.clone();
        change(&mut record);
        self.rows[place] = self.row(id, record);
    }

    /// Gives a record another id, which is free.
    pub(crate) fn rename(&mut self, id: i64, to: i64) {
        let place = self.rows.binary_search_by_key(&id, |row| row.id).unwrap();
        self.rows[place].id = to;
        self.rows.sort_by_key(|row| row.id);
    }

    fn wanted(&self, question: usize) -> impl Iterator<Item = (i64, &LogRecord)> + Clone {
        let rows = self.rows.iter().filter(move |row| row.wanted[question]);
        rows.map(|row| (row.id, &row.record))
    }

    /// Fails unless every question is answered as it should be, by blocks and by SQL. Gives the most damaged blocks
    /// that a question met.
    pub(crate) fn ask_all(&self, reader: &Reader, sql: &Connection) -> usize {
        let mut damaged = 0;
        for (i, query) in self.questions.iter().enumerate() {
            damaged = damaged.max(assert_answer(reader, query, self.wanted(i)));
            if let Some(condition) = sql_of(query) {
                let select = format!("SELECT id FROM records WHERE {condition} ORDER BY id");
                let mut statement = sql.prepare(&select).unwrap();
                let found = statement.query_map([], |row| row.get(0)).unwrap();
                let found: Vec<i64> = found.map(Result::unwrap).collect();
                let after = |id| query.after_id.is_none_or(|after| id > after);
                let wanted = self.wanted(i).map(|(id, _)| id).filter(|id| after(*id));
                assert!(found.into_iter().eq(wanted), "{select}");
            }
            if i % 4 == 0 {
                self.assert_count(reader, i);
            }
        }
        damaged
    }

    /// Fails unless the records of a question are counted as they should be.
    fn assert_count(&self, reader: &Reader, question: usize) {
        let groups = [
            vec![],
            vec![GroupBy::Level],
            vec![GroupBy::Name],
            vec![GroupBy::Host],
            vec![GroupBy::Host, GroupBy::Level],
        ];
        let widths = [None, Some(SECOND), Some(3600 * SECOND)];
        let by = &groups[question / 4 % groups.len()];
        let width = widths[question / 4 % widths.len()];
        let query = &self.questions[question];
        let count = Count {
            query: query.clone(),
            by: by.clone(),
            every: width.map(|width| Every::new(width, Zone::Utc).unwrap()),
        };
        let wanted = self.wanted(question);
        let wanted = wanted.filter(|(id, record)| is_within(query, *id, record));
        let mut expected = BTreeMap::new();
        for (_, record) in wanted.clone() {
            let key = by.iter().map(|by| match by {
                GroupBy::Level => record.site.level_name.as_str(),
                GroupBy::Name => record.site.name.as_str(),
                _ => record.origin.hostname.as_str(),
            });
            // Both widths divide the day, and no leap second is counted.
            let start =
                width.map(|width| record.created_ns.div_euclid(width).saturating_mul(width));
            *expected
                .entry((start, key.collect::<Vec<_>>()))
                .or_insert(0) += 1;
        }
        let times = wanted.map(|(_, record)| record.created_ns);
        let span = times.clone().min().zip(times.clone().max());
        let found = match reader.count(&count) {
            Ok(found) => found,
            Err(Error::Query(QueryError::TooManyBuckets { .. })) => {
                let (first, last) = span.unwrap();
                assert!(last.abs_diff(first) / width.unwrap().unsigned_abs() > 90_000);
                return;
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(found.total, times.count() as u64, "{count:?}");
        assert_eq!(found.span_ns, span, "{count:?}");
        let rows = found.rows.iter().filter(|row| row.count > 0);
        let rows: BTreeMap<_, _> = rows
            .map(|row| {
                let key = row
                    .key
                    .iter()
                    .map(|value| value.as_str().unwrap_or_default());
                ((row.start_ns, key.collect::<Vec<_>>()), row.count)
            })
            .collect();
        assert_eq!(rows, expected, "{count:?}");
    }
}

/// The question as a condition of SQL; `None` when it cannot be put so.
fn sql_of(query: &Query) -> Option<String> {
    let stars = [
        &query.names,
        &query.not_names,
        &query.hosts,
        &query.not_hosts,
    ];
    let plain = query.phrases.is_empty()
        && query.grep.is_none()
        && query.fields.is_empty()
        && query.processes.is_empty()
        && query.threads.is_empty()
        && query.not_phrases.is_empty()
        && query.not_patterns.is_empty()
        && query.not_fields.is_empty()
        && query.not_processes.is_empty()
        && query.not_threads.is_empty()
        && !stars.into_iter().flatten().any(|text| text.contains('*'));
    if !plain {
        return None;
    }
    let under = |name: &String| {
        let len = name.chars().count();
        format!(
            "name = '{name}' OR substr(name, 1, {}) = '{name}.'",
            len + 1
        )
    };
    let mut terms = vec!["1".to_owned()];
    let any = |terms: &mut Vec<String>, alternatives: Vec<String>| {
        if !alternatives.is_empty() {
            terms.push(format!("({})", alternatives.join(" OR ")));
        }
    };
    terms.extend(
        query
            .min_level
            .map(|level| format!("levelno >= {}", level.0)),
    );
    terms.extend(
        query
            .max_level
            .map(|level| format!("levelno <= {}", level.0)),
    );
    let levels = query.exact_levels.iter();
    any(
        &mut terms,
        levels
            .map(|level| format!("levelno = {}", level.0))
            .collect(),
    );
    any(&mut terms, query.names.iter().map(under).collect());
    terms.extend(
        query
            .not_names
            .iter()
            .map(|name| format!("NOT ({})", under(name))),
    );
    let not_levels = query.not_levels.iter();
    terms.extend(not_levels.map(|level| format!("levelno <> {}", level.0)));
    let not_hosts = query.not_hosts.iter();
    terms.extend(not_hosts.map(|host| format!("hostname <> '{host}'")));
    let hosts = query.hosts.iter();
    any(
        &mut terms,
        hosts.map(|host| format!("hostname = '{host}'")).collect(),
    );
    terms.extend(query.since_ns.map(|ns| format!("created_ns >= {ns}")));
    terms.extend(query.until_ns.map(|ns| format!("created_ns <= {ns}")));
    terms.extend(query.after_id.map(|id| format!("id > {id}")));
    Some(terms.join(" AND "))
}

/// Fails unless each block has as many records as the file has at its place, none overlaps the next, and nothing is left of others.
pub(crate) fn assert_blocks_agree(file: &File) {
    let wrong = "SELECT \
        (SELECT count(*) FROM block WHERE \
         records <> (SELECT count(*) FROM record WHERE id BETWEEN block.id AND block.last_id) \
         OR last_id >= (SELECT min(next.id) FROM block AS next WHERE next.id > block.id)) \
        + (SELECT count(*) FROM block_column WHERE id NOT IN (SELECT id FROM block)) \
        + (SELECT count(*) FROM block_words WHERE id NOT IN (SELECT id FROM block))";
    let wrong: i64 = file.sql().query_row(wrong, [], |row| row.get(0)).unwrap();
    assert_eq!(wrong, 0);
}
