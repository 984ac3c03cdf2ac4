//! All answers of all rounds in one table, with the bars they have to clear.

use std::fmt::Write as _;

use crate::common::{cell, middle, verdict};
use crate::question::{Bar, Question};
use crate::ways::Way;

/// One question in all rounds.
pub(crate) struct Row {
    pub(crate) question: Question,
    /// How many records, groups or lines the answer has.
    pub(crate) answer: usize,
    /// The milliseconds that each way took, one after the other the rounds.
    pub(crate) ms: Vec<(Way, f64)>,
}

/// The table, and whether every bar is met.
pub(crate) fn render(rows: &[Row], records: usize, rounds: usize) -> (String, bool) {
    let mut text = format!(
        "\n{records} records, {rounds} rounds; milliseconds, medians\n\n{:<34} {:>6} {:>10} {:>10} {:>10} {:>8} {:>10} {:>6} {:>10} {:>6}  {}\n",
        "question",
        "answer",
        "in process",
        "best",
        "program",
        "more",
        "B-trees",
        "of it",
        "grep -c",
        "of it",
        "bars",
    );
    let mut all_met = true;
    for row in rows {
        let best = row.of(Way::Library).fold(f64::NAN, f64::min);
        let figures = [
            cell(row.median(Way::Library), 10, 2),
            cell(best, 10, 2),
            cell(row.median(Way::Program), 10, 2),
            cell(row.more_cold(), 8, 2),
            cell(row.median(Way::Trees), 10, 2),
            cell(row.share_of(Way::Trees), 6, 2),
            cell(row.median(Way::Grep), 10, 1),
            cell(row.share_of(Way::Grep), 6, 2),
        ];
        let mut bars = Vec::new();
        for bar in row.question.bars() {
            let (bar, met) = row.verdict(*bar);
            all_met &= met;
            bars.push(bar);
        }
        let line = format!(
            "{:<34} {:>6} {}  {}",
            row.question.label(),
            row.answer,
            figures.join(" "),
            bars.join("; ")
        );
        writeln!(text, "{}", line.trim_end()).expect("a String takes all that is written to it");
    }
    (text, all_met)
}

impl Row {
    fn of(&self, way: Way) -> impl Iterator<Item = f64> {
        let of_way = self.ms.iter().filter(move |(asked, _)| *asked == way);
        of_way.map(|(_, ms)| *ms)
    }

    fn median(&self, way: Way) -> f64 {
        middle(self.of(way).collect())
    }

    /// The library's time as a share of another's in the same round; of all rounds the middle one.
    fn share_of(&self, way: Way) -> f64 {
        let rounds = self.of(Way::Library).zip(self.of(way));
        middle(rounds.map(|(own, other)| own / other).collect())
    }

    /// How much longer a process takes than the library in the same round; of all rounds the middle one.
    fn more_cold(&self) -> f64 {
        let rounds = self.of(Way::Library).zip(self.of(Way::Program));
        middle(rounds.map(|(warm, cold)| cold - warm).collect())
    }

    /// The bar with its verdict, and whether it is met.
    fn verdict(&self, bar: Bar) -> (String, bool) {
        let (bar, met) = match bar {
            Bar::Ms(ms) => (format!("< {ms} ms"), self.median(Way::Library) < ms),
            Bar::OfTrees(share) => (
                format!("<= {share:.1} of B-trees"),
                self.share_of(Way::Trees) <= share,
            ),
            Bar::OfGrep(share) => (
                format!("<= {share:.1} of grep"),
                self.share_of(Way::Grep) <= share,
            ),
            Bar::MsMoreCold(ms) => (format!("program <= {ms} ms more"), self.more_cold() <= ms),
        };
        (verdict(&bar, met), met)
    }
}
