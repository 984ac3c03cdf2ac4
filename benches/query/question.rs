//! The questions, as the library and the program are asked them, and the bars that they have to clear.

use std::str::FromStr;

use logstore::{Count, Every, GroupBy, Level, Phrase, Query, Zone, rfc3339_utc};

use crate::Result;
use crate::records::{COMMON_WORD, FRAGMENT, RARE_LOGGER, RARE_WORD};

pub(crate) const MINUTE_NS: i64 = 60_000_000_000;

/// 2026-11-21 18:30:00 UTC: a minute in the middle of the records.
pub(crate) const SINCE_NS: i64 = 1_795_285_800_000_000_000;
pub(crate) const UNTIL_NS: i64 = SINCE_NS + MINUTE_NS - 1;

/// One of the processes of the workload.
pub(crate) const PROCESS: &str = "59906";

/// The prefix under which warnings are asked for, and how many.
pub(crate) const AREA: &str = "myapp.area2";
pub(crate) const NEWEST: usize = 100;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    Warnings,
    RareLogger,
    RareWord,
    CommonWord,
    ByLevel,
    ByLogger,
    Histogram,
    ProcessMinute,
    Fragment,
}

/// A question as the library takes it.
pub(crate) enum Asked {
    Records(Query),
    Counts(Count),
}

/// What a question has to clear, in the median of the rounds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    /// Less than so many milliseconds in process.
    Ms(f64),
    /// At most this share of the time of the B-trees.
    OfTrees(f64),
    /// At most this share of grep's time.
    OfGrep(f64),
    /// As a process of its own, at most so many milliseconds more.
    MsMoreCold(f64),
}

impl Question {
    pub(crate) const ALL: [Question; 9] = [
        Question::Warnings,
        Question::RareLogger,
        Question::RareWord,
        Question::CommonWord,
        Question::ByLevel,
        Question::ByLogger,
        Question::Histogram,
        Question::ProcessMinute,
        Question::Fragment,
    ];

    /// What `--part` calls it.
    pub(crate) fn name(self) -> &'static str {
        self.name_and_label().0
    }

    /// What the table calls it.
    pub(crate) fn label(self) -> String {
        let (name, label) = self.name_and_label();
        format!("({name}) {label}")
    }

    fn name_and_label(self) -> (&'static str, &'static str) {
        match self {
            Question::Warnings => ("a", "last 100 warnings of an area"),
            Question::RareLogger => ("b", "last 100 of a rare logger"),
            Question::RareWord => ("c", "a word that occurs 20 times"),
            Question::CommonWord => ("d", "count of a 1 % word"),
            Question::ByLevel => ("e", "count by level"),
            Question::ByLogger => ("f", "count by logger"),
            Question::Histogram => ("g", "count per minute and level"),
            Question::ProcessMinute => ("h", "one process in one minute"),
            Question::Fragment => ("i", "grep for a piece of a word"),
        }
    }

    pub(crate) fn bars(self) -> &'static [Bar] {
        match self {
            Question::Warnings | Question::RareLogger => {
                &[Bar::Ms(10.0), Bar::OfTrees(1.0), Bar::MsMoreCold(10.0)]
            }
            Question::RareWord => &[Bar::Ms(60.0), Bar::MsMoreCold(10.0)],
            // There FTS5 finds the word by itself.
            Question::CommonWord => &[],
            Question::ByLevel | Question::ByLogger | Question::Histogram => {
                &[Bar::Ms(100.0), Bar::OfTrees(1.0)]
            }
            Question::ProcessMinute => &[Bar::Ms(5.0), Bar::OfTrees(1.0), Bar::MsMoreCold(10.0)],
            Question::Fragment => &[Bar::OfTrees(1.0), Bar::OfGrep(0.6), Bar::MsMoreCold(10.0)],
        }
    }

    pub(crate) fn asked(self) -> Result<Asked> {
        let by = |by| Count {
            by: vec![by],
            ..Count::default()
        };
        Ok(match self {
            Question::CommonWord => Asked::Counts(Count {
                query: self.query(),
                ..Count::default()
            }),
            Question::ByLevel => Asked::Counts(by(GroupBy::Level)),
            Question::ByLogger => Asked::Counts(by(GroupBy::Name)),
            Question::Histogram => Asked::Counts(Count {
                every: Some(Every::new(MINUTE_NS, Zone::Utc)?),
                ..by(GroupBy::Level)
            }),
            _ => Asked::Records(self.query()),
        })
    }

    /// Which records are asked for, or counted.
    fn query(self) -> Query {
        let word = |word: &str| Query {
            phrases: vec![Phrase::new(word).expect("a word is a phrase")],
            ..Query::default()
        };
        match self {
            Question::Warnings => Query {
                min_level: Some(Level::WARNING),
                names: vec![AREA.into()],
                limit: Some(NEWEST),
                ..Query::default()
            },
            Question::RareLogger => Query {
                names: vec![RARE_LOGGER.into()],
                limit: Some(NEWEST),
                ..Query::default()
            },
            Question::RareWord => word(RARE_WORD),
            Question::CommonWord => word(COMMON_WORD),
            Question::ByLevel | Question::ByLogger | Question::Histogram => Query::default(),
            Question::ProcessMinute => Query {
                processes: vec![PROCESS.into()],
                since_ns: Some(SINCE_NS),
                until_ns: Some(UNTIL_NS),
                ..Query::default()
            },
            Question::Fragment => Query {
                grep: Some(FRAGMENT.parse().expect("letters and digits are a pattern")),
                ..Query::default()
            },
        }
    }

    /// The arguments of `logstore`, but for `--db` and `--output`.
    pub(crate) fn arguments(self) -> Vec<String> {
        let line = match self {
            Question::Warnings => format!("query --level warning --name {AREA} -n {NEWEST}"),
            Question::RareLogger => format!("query --name {RARE_LOGGER} -n {NEWEST}"),
            Question::RareWord => format!("query {RARE_WORD}"),
            Question::CommonWord => format!("count {COMMON_WORD}"),
            Question::ByLevel => "count --by level".into(),
            Question::ByLogger => "count --by name".into(),
            Question::Histogram => "count --by level --every 1m --utc".into(),
            Question::ProcessMinute => format!(
                "query --process {PROCESS} --since {} --until {}",
                rfc3339_utc(SINCE_NS),
                rfc3339_utc(UNTIL_NS)
            ),
            Question::Fragment => format!("query --grep {FRAGMENT}"),
        };
        line.split(' ').map(str::to_owned).collect()
    }
}

impl FromStr for Question {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        Question::ALL
            .into_iter()
            .find(|question| question.name() == name)
            .ok_or_else(|| {
                let names = Question::ALL.map(Question::name).join(", ");
                format!("unknown part {name:?}; use one of {names}")
            })
    }
}
