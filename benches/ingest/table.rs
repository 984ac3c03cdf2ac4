//! All parts of all rounds in one table, with the bars they have to clear.

use std::fmt::Write as _;

use crate::common::{cell, middle, number, verdict};
use crate::measure::Outcome;
use crate::part::Part;

const MIB: f64 = 1024.0 * 1024.0;

/// The bars: shares of the ceiling, the most disk in terms of the bare table, the most memory of a server, and the longest that half
/// of all `emit`s may take.
const EMIT_OF_CEILING: f64 = 0.70;
const TCP_OF_CEILING: f64 = 0.40;
const JSON_OF_CEILING: f64 = 0.30;
const SYSLOG_OF_CEILING: f64 = 0.40;
const BYTES_OF_CEILING: f64 = 1.12;
const SERVER_MIB: f64 = 96.0;
const EMIT_NS: f64 = 1000.0;

/// What retention may leave of the speed of `emit` when it removes as many records as come.
const RETAIN_OF_EMIT: f64 = 0.85;

/// The table, and whether every bar is met.
pub(crate) fn render(rounds: &[Vec<(Part, Outcome)>], records: usize) -> (String, bool) {
    let millions = number(records as u64) / 1e6;
    let mut text = format!(
        "\n{records} records, {} rounds\n\n{:<30} {:>10} {:>10} {:>6} {:>7} {:>8} {:>8} {:>7}  {}\n",
        rounds.len(),
        "part",
        "best rec/s",
        "median",
        "of (a)",
        "CPU s/M",
        "server",
        "peak MiB",
        "B/rec",
        "bar",
    );
    let mut all_met = true;
    for part in Part::ALL {
        let row = Row::new(part, rounds);
        let speed = |seconds: f64| millions * 1e6 / seconds;
        let figures = [
            cell(speed(row.least(|outcome| outcome.seconds)), 10, 0),
            cell(speed(row.median(|outcome| outcome.seconds)), 10, 0),
            cell(row.of_ceiling, 6, 2),
            cell(row.median(|outcome| outcome.cpu_seconds) / millions, 7, 2),
            cell(
                row.median(|outcome| outcome.server_cpu_seconds) / millions,
                8,
                2,
            ),
            cell(row.median(|outcome| outcome.peak_bytes) / MIB, 8, 1),
            cell(
                row.median(|outcome| outcome.file_bytes) / (millions * 1e6),
                7,
                1,
            ),
        ];
        let (bar, met) = row.bar();
        all_met &= met;
        let line = format!("{:<30} {}  {bar}", part.label(), figures.join(" "));
        writeln!(text, "{}", line.trim_end()).expect("a String takes all that is written to it");
    }
    (text, all_met)
}

/// One part in all rounds.
struct Row {
    part: Part,
    outcomes: Vec<Outcome>,
    /// The part's speed as a share of the ceiling's in the same round; of all rounds the middle one.
    of_ceiling: f64,
    /// The same of that of `emit` from one thread.
    of_emit: f64,
    /// The share of the ceiling's bytes on disk.
    bytes_of_ceiling: f64,
}

impl Row {
    fn new(part: Part, rounds: &[Vec<(Part, Outcome)>]) -> Self {
        let of = |part: Part| -> Vec<Outcome> {
            let outcomes = rounds.iter().flatten();
            outcomes
                .filter(|(ran, _)| *ran == part)
                .map(|(_, outcome)| *outcome)
                .collect()
        };
        let outcomes = of(part);
        let ceilings = of(Part::Ceiling);
        let share_of = |others: &[Outcome]| {
            let both = others.iter().zip(&outcomes);
            middle(both.map(|(a, own)| a.seconds / own.seconds).collect())
        };
        let bytes = ceilings
            .iter()
            .zip(&outcomes)
            .map(|(a, own)| own.file_bytes / a.file_bytes);
        Row {
            part,
            of_ceiling: share_of(&ceilings),
            of_emit: share_of(&of(Part::Emit(1))),
            bytes_of_ceiling: middle(bytes.collect()),
            outcomes,
        }
    }

    fn median(&self, figure: impl Fn(&Outcome) -> f64) -> f64 {
        middle(self.outcomes.iter().map(figure).collect())
    }

    fn least(&self, figure: impl Fn(&Outcome) -> f64) -> f64 {
        self.outcomes.iter().map(figure).fold(f64::NAN, f64::min)
    }

    /// What the part has to reach, with the answer, and whether it does.
    fn bar(&self) -> (String, bool) {
        let of_ceiling = match self.part {
            Part::Ceiling | Part::Store => return (String::new(), true),
            Part::Emit(_) => EMIT_OF_CEILING,
            Part::Tcp(_) => TCP_OF_CEILING,
            // Other clients say other things, so the bytes on the disk cannot be compared.
            Part::Json => return self.speed_bar(JSON_OF_CEILING),
            Part::Syslog => return self.speed_bar(SYSLOG_OF_CEILING),
            Part::Retain => return self.retain_bar(),
            Part::Latency => return self.latency_bar(),
        };
        let bytes = self.bytes_of_ceiling;
        let mut bar =
            format!(">= {of_ceiling:.2} of (a), disk {bytes:.3} <= {BYTES_OF_CEILING} of (a)");
        let mut met = self.of_ceiling >= of_ceiling && bytes <= BYTES_OF_CEILING;
        if let Part::Tcp(_) = self.part {
            write!(bar, ", < {SERVER_MIB} MiB").expect("a String takes all that is written to it");
            met &= self.median(|outcome| outcome.peak_bytes) / MIB < SERVER_MIB;
        }
        (verdict(&bar, met), met)
    }

    fn speed_bar(&self, of_ceiling: f64) -> (String, bool) {
        let met = self.of_ceiling >= of_ceiling;
        (verdict(&format!(">= {of_ceiling:.2} of (a)"), met), met)
    }

    fn retain_bar(&self) -> (String, bool) {
        let met = self.of_emit >= RETAIN_OF_EMIT;
        let bar = format!("{:.2} >= {RETAIN_OF_EMIT:.2} of emit", self.of_emit);
        (verdict(&bar, met), met)
    }

    fn latency_bar(&self) -> (String, bool) {
        let median = self.median(|outcome| outcome.emit_median_ns);
        let p99 = self.median(|outcome| outcome.emit_p99_ns);
        let met = median < EMIT_NS;
        let bar = format!("median {median:.0} ns, p99 {p99:.0} ns; median < {EMIT_NS} ns");
        (verdict(&bar, met), met)
    }
}
