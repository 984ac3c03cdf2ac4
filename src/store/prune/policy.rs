//! When a record's time is over, and when that is worth a look at its block.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension};

use crate::level::Level;
use crate::retention::Retention;
use crate::store::rows::{integer, text_of};

/// How long records may stay behind their time, so that a block of which only some go is not rewritten again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slack {
    /// Until all of the rule's records in the block go, but not for more than an eighth of the time for which it keeps them.
    Eighth,
    /// Not at all.
    None,
}

/// How many sites are remembered.
const REMEMBERED: usize = 1 << 14;

/// What goes, and when.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) retention: Retention,
    /// Whatever was created before this goes as well.
    before_ns: Option<i64>,
    slack: Slack,
    /// The rules of sites, by their ids.
    known: HashMap<i64, usize, RandomState>,
}

/// Some records, in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) ids: Vec<i64>,
    pub(super) created: Vec<i64>,
    /// By which rule each goes; the number of rules for none.
    pub(super) rules: Vec<usize>,
}

/// What is to become of some records.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The first and the last ids of runs of records that go now.
    pub(super) runs: Vec<(i64, i64)>,
    /// How many records stay.
    pub(super) staying: usize,
    /// The moment after which the others are to be judged again.
    pub(super) due_ns: i64,
}

impl Policy {
    pub(super) fn new(retention: Retention, before_ns: Option<i64>, slack: Slack) -> Self {
        Policy {
            retention,
            before_ns,
            slack,
            known: HashMap::default(),
        }
    }

    /// Forgets the sites: their ids may be others'.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Whether anything goes for its age.
    pub(super) fn goes_by_age(&self) -> bool {
        !self.retention.keep.is_empty() || self.before_ns.is_some()
    }

    /// The shortest time for which any record is kept.
    pub(super) fn shortest_ns(&self) -> Option<i64> {
        self.retention.keep.iter().map(|rule| rule.keep_ns).min()
    }

    /// The moment up to which nothing has to go of records of which the oldest was created then.
    pub(super) fn not_before(&self, oldest_ns: i64) -> i64 {
        if self.goes_at_once(oldest_ns) {
            return i64::MIN;
        }
        let shortest = self.shortest_ns();
        shortest.map_or(i64::MAX, |shortest| oldest_ns.saturating_add(shortest))
    }

    fn goes_at_once(&self, created_ns: i64) -> bool {
        self.before_ns.is_some_and(|before| created_ns < before)
    }

    fn keep_ns(&self, rule: usize) -> Option<i64> {
        self.retention.keep.get(rule).map(|rule| rule.keep_ns)
    }

    fn is_over(&self, rule: usize, created_ns: i64, now_ns: i64) -> bool {
        let keep_ns = self.keep_ns(rule);
        let aged = keep_ns.is_some_and(|keep_ns| now_ns > created_ns.saturating_add(keep_ns));
        aged || self.goes_at_once(created_ns)
    }

    /// The moment after which what is over goes, of a rule's records that were created between these two.
    fn due_ns(&self, rule: usize, oldest_ns: i64, newest_ns: i64) -> i64 {
        if self.goes_at_once(oldest_ns) {
            return i64::MIN;
        }
        let Some(keep_ns) = self.keep_ns(rule) else {
            return i64::MAX;
        };
        let first_over = oldest_ns.saturating_add(keep_ns);
        match self.slack {
            Slack::None => first_over,
            Slack::Eighth => {
                let all_over = newest_ns.saturating_add(keep_ns);
                all_over.min(first_over.saturating_add(keep_ns / 8))
            }
        }
    }

    /// The rule of a site's records.
    pub(super) fn rule_of(
        &mut self,
        connection: &Connection,
        site: i64,
    ) -> rusqlite::Result<usize> {
        if let Some(rule) = self.known.get(&site) {
            return Ok(*rule);
        }
        let found = connection
            .prepare_cached("SELECT name, levelno FROM site WHERE id = ?1")?
            .query_row([site], |row| {
                let name = text_of(row.get_ref(0)?).unwrap_or_default().into_owned();
                let level = i32::try_from(integer(row, 1)?).unwrap_or_default();
                Ok((name, Level(level)))
            })
            .optional()?;
        let (name, level) = found.unwrap_or_default();
        let rule = self.retention.rule_of(&name, level);
        let rule = rule.unwrap_or(self.retention.keep.len());
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(site, rule);
        Ok(rule)
    }

    pub(super) fn judge(&self, rows: &Rows, now_ns: i64) -> Verdict {
        let mut spans = vec![None; self.retention.keep.len() + 1];
        for (created, rule) in rows.created.iter().zip(&rows.rules) {
            let (oldest, newest) = spans[*rule].get_or_insert((*created, *created));
            *oldest = (*oldest).min(*created);
            *newest = (*newest).max(*created);
        }
        let mut due_ns = i64::MAX;
        let mut goes = vec![false; spans.len()];
        for (rule, span) in spans.iter().enumerate() {
            let Some((oldest, newest)) = *span else {
                continue;
            };
            let due = self.due_ns(rule, oldest, newest);
            goes[rule] = now_ns > due;
            if !goes[rule] {
                due_ns = due_ns.min(due);
            }
        }
        let mut runs: Vec<(i64, i64)> = Vec::new();
        let (mut going, mut count) = (false, 0);
        for ((id, created), rule) in rows.ids.iter().zip(&rows.created).zip(&rows.rules) {
            let run_goes_on = going;
            going = goes[*rule] && self.is_over(*rule, *created, now_ns);
            if going {
                count += 1;
                match runs.last_mut().filter(|_| run_goes_on) {
                    Some((_, last)) => *last = *id,
                    None => runs.push((*id, *id)),
                }
            } else if goes[*rule] {
                due_ns = due_ns.min(self.not_before(*created));
            }
        }
        Verdict {
            staying: rows.ids.len() - count,
            runs,
            due_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(rules: &[&str], before_ns: Option<i64>, slack: Slack) -> Policy {
        let keep = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let retention = Retention {
            keep,
            max_bytes: None,
        };
        Policy::new(retention, before_ns, slack)
    }

    fn rows(created: &[i64], rules: &[usize]) -> Rows {
        Rows {
            ids: (1..).zip(created).map(|(id, _)| id * 10).collect(),
            created: created.to_vec(),
            rules: rules.to_vec(),
        }
    }

    #[test]
    fn a_block_waits_until_all_of_a_rule_or_an_eighth_is_over() {
        let policy = policy(&["80ns"], None, Slack::Eighth);
        for (created, now, runs, due_ns) in [
            (&[0, 5][..], 85, &[][..], 85),
            (&[0, 5], 86, &[(10, 20)], i64::MAX),
            (&[0, 50], 90, &[], 90),
            (&[0, 50], 91, &[(10, 10)], 130),
            (&[0, 50, 1], 91, &[(10, 10), (30, 30)], 130),
        ] {
            let verdict = policy.judge(&rows(created, &vec![0; created.len()]), now);
            assert_eq!(
                (&*verdict.runs, verdict.due_ns),
                (runs, due_ns),
                "{created:?} {now}"
            );
        }
    }

    #[test]
    fn without_slack_what_is_over_goes_and_nothing_else() {
        let policy = policy(&["80ns"], None, Slack::None);
        let verdict = policy.judge(&rows(&[0, 1, 0, 0], &[0, 0, 1, 0]), 81);
        assert_eq!(verdict.runs, [(10, 10), (40, 40)]);
        assert_eq!(verdict.staying, 2);
        assert_eq!(verdict.due_ns, 81);
    }

    #[test]
    fn the_farthest_past_goes_and_the_farthest_future_stays() {
        for slack in [Slack::None, Slack::Eighth] {
            let policy = policy(&["100000d"], None, slack);
            let now = 1_800_000_000_000_000_000;
            let past = policy.judge(&rows(&[i64::MIN], &[0]), now);
            assert_eq!(past.staying, 0);
            let future = policy.judge(&rows(&[i64::MAX], &[0]), now);
            assert_eq!((future.staying, future.due_ns), (1, i64::MAX));
        }
    }

    #[test]
    fn what_is_before_a_moment_goes_whatever_its_rule() {
        let policy = policy(&[], Some(5), Slack::None);
        let verdict = policy.judge(&rows(&[4, 5, i64::MIN], &[0, 0, 0]), 0);
        assert_eq!(verdict.runs, [(10, 10), (30, 30)]);
    }
}
