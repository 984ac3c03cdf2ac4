//! What a store holds, as one JSON object.

use serde_json::{Value, json};

use crate::count::GroupBy;
use crate::store::{LevelHistogram, Overview, OverviewGroup};
use crate::time::rfc3339_utc;

impl Overview {
    /// One object of it all, times in UTC.
    #[must_use]
    pub fn json(&self, histogram: Option<&LevelHistogram>) -> Value {
        let moment = |ns: Option<i64>| ns.map(rfc3339_utc);
        let per_second = |records: u64| {
            let seconds = self.seconds();
            (seconds > 0.0).then(|| as_float(records) / seconds)
        };
        let groups = |by: &GroupBy| -> Vec<Value> {
            let groups = self.groups(by).into_iter();
            let object = |group: OverviewGroup| {
                json!({
                    by.to_string(): group.value,
                    "count": group.records,
                    "share": as_float(group.records) / as_float(self.all.total),
                    "per_second": per_second(group.records),
                    "last_hour": group.last_hour,
                    "last_minute": group.last_minute,
                })
            };
            groups.map(object).collect()
        };
        let histogram = histogram.map(|histogram| {
            let buckets = histogram.starts_ns.iter().zip(&histogram.records);
            let bad = histogram.warnings.iter().zip(&histogram.errors);
            let buckets = buckets
                .zip(bad)
                .map(|((start, count), (warnings, errors))| {
                    json!({
                        "start": rfc3339_utc(*start),
                        "count": count,
                        "warnings": warnings,
                        "errors": errors,
                    })
                });
            json!({
                "every_seconds": as_float(histogram.every.width_ns().unsigned_abs()) / 1e9,
                "buckets": buckets.collect::<Vec<Value>>(),
            })
        });
        let span = self.all.span_ns;
        json!({
            "file_bytes": self.file.file_bytes,
            "wal_bytes": self.file.wal_bytes,
            "blocks": self.file.blocks,
            "block_records": self.file.block_records,
            "keep": self.file.retention.keep.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "max_bytes": self.file.retention.max_bytes,
            "records": self.all.total,
            "oldest": moment(span.map(|(oldest, _)| oldest)),
            "newest": moment(span.map(|(_, newest)| newest)),
            "span_seconds": span.map(|_| self.seconds()),
            "per_second": per_second(self.all.total),
            "last_hour": self.hour.total,
            "last_minute": self.minute.total,
            "hosts": self.hosts,
            "processes": self.processes,
            "levels": groups(&GroupBy::Level),
            "loggers": groups(&GroupBy::Name),
            "histogram": histogram,
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rates and shares are rounded anyway"
)]
fn as_float(number: u64) -> f64 {
    number as f64
}
