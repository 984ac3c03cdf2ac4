//! A page in the text format of Prometheus, version 0.0.4 ("Exposition formats" in its documentation).

use std::fmt::{Display, Write as _};
use std::sync::atomic::Ordering;

use super::Histogram;

/// How many nanoseconds are a second, the unit of times on a page.
pub(crate) const NANOSECONDS: f64 = 1e9;

/// What kind of number is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// It only grows, until the next start.
    Counter,
    Gauge,
}

/// A page of metrics under construction.
#[derive(Debug, Default)]
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// A number without labels.
    pub(crate) fn number(&mut self, kind: Kind, name: &str, help: &str, value: impl Display) {
        self.numbers(kind, name, help, "", [("", value)]);
    }

    /// A number for each value of a label. The values have no character that would have to be escaped.
    pub(crate) fn numbers<V: Display>(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, V)>,
    ) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.head(name, kind, help);
        for (of, value) in values {
            let _ = if label.is_empty() {
                writeln!(self.0, "{name} {value}")
            } else {
                writeln!(self.0, "{name}{{{label}=\"{of}\"}} {value}")
            };
        }
    }

    /// What was counted in units of which `scale` make one of those that are shown.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the format's numbers are doubles"
    )]
    pub(crate) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram, scale: f64) {
        self.head(name, "histogram", help);
        let mut count = 0;
        let bounds = histogram.bounds.iter().map(|bound| *bound as f64);
        let shown = bounds.map(|bound| (bound / scale).to_string());
        for (bound, bucket) in shown.chain(["+Inf".into()]).zip(&histogram.buckets) {
            count += bucket.load(Ordering::Relaxed);
            let _ = writeln!(self.0, "{name}_bucket{{le=\"{bound}\"}} {count}");
        }
        let sum = histogram.sum.load(Ordering::Relaxed) as f64 / scale;
        let _ = write!(self.0, "{name}_sum {sum}\n{name}_count {count}\n");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::StoreMetrics;

    #[test]
    fn buckets_count_all_that_is_at_most_as_large() {
        let metrics = StoreMetrics::default();
        metrics.committed(1, Duration::from_millis(1), 2_000_000_000);
        metrics.committed(10, Duration::from_micros(1500), -5);
        metrics.committed(1_000_000, Duration::from_hours(1), 0);
        let mut page = Page::default();
        page.histogram(
            "t_seconds",
            "How long it took.",
            &metrics.transaction_ns,
            NANOSECONDS,
        );
        let page = page.into_text();
        let begin = "# HELP t_seconds How long it took.\n# TYPE t_seconds histogram\n\
            t_seconds_bucket{le=\"0.00025\"} 0\nt_seconds_bucket{le=\"0.001\"} 1\nt_seconds_bucket{le=\"0.005\"} 2\n";
        assert!(page.starts_with(begin), "{page}");
        let end = "t_seconds_bucket{le=\"300\"} 2\nt_seconds_bucket{le=\"+Inf\"} 3\nt_seconds_sum 3600.0025\nt_seconds_count 3\n";
        assert!(page.ends_with(end), "{page}");
    }

    #[test]
    fn numbers_have_help_type_and_labels() {
        let mut page = Page::default();
        page.number(
            Kind::Gauge,
            "logstore_open",
            "Connections that are open.",
            7,
        );
        let values = [("python", 2), ("json", 0)];
        page.numbers(
            Kind::Counter,
            "logstore_x_total",
            "Records.",
            "protocol",
            values,
        );
        assert_eq!(
            page.into_text(),
            "# HELP logstore_open Connections that are open.\n# TYPE logstore_open gauge\nlogstore_open 7\n\
             # HELP logstore_x_total Records.\n# TYPE logstore_x_total counter\n\
             logstore_x_total{protocol=\"python\"} 2\nlogstore_x_total{protocol=\"json\"} 0\n"
        );
    }
}
