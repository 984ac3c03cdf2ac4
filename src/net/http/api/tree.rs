//! Loggers as a tree, of which no more is named than there is room for: what is not counts to its parent.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::histogram::Steps;

/// How many nodes of the tree are named at most, also those that are no loggers but have some below them.
const MOST_NODES: usize = 2000;

/// How many bytes a node takes of the room, at least: a long name takes its length.
const NODE_BYTES: usize = 256;

/// The counts of a logger, or of one with loggers below it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named<'n> {
    pub(super) name: &'n str,
    pub(super) counts: Steps,
    /// How many loggers below it are not named, but counted with it.
    pub(super) more: usize,
}

/// The smaller loggers of a parent that has too many.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Others<'n> {
    /// `None`: they are at the root.
    pub(super) under: Option<&'n str>,
    pub(super) loggers: usize,
    pub(super) counts: Steps,
}

/// Together they have each record once.
#[derive(Debug, Default)]
pub(super) struct Tree<'n> {
    /// In the order of their names.
    pub(super) named: Vec<Named<'n>>,
    pub(super) others: Vec<Others<'n>>,
}

type Logger<'n> = (&'n str, Steps);

/// A node with all that is below it.
struct Branch<'l, 'n> {
    /// `None`: the root.
    name: Option<&'n str>,
    /// Itself, if it is one, and those below it, in the order of their parts.
    loggers: &'l [Logger<'n>],
}

impl<'n> Tree<'n> {
    /// The tree of these loggers, below this one or below the root. The largest branches are opened first, as long as all that is in one fits;
    /// of one that is too large by itself the largest half is named.
    pub(super) fn new(mut loggers: Vec<Logger<'n>>, under: Option<&'n str>) -> Self {
        loggers.sort_unstable_by(|a, b| parts(a.0).cmp(parts(b.0)));
        let mut tree = Tree::default();
        let mut left = MOST_NODES * NODE_BYTES;
        let half = left / 2;
        let mut branches = vec![Branch {
            name: under,
            loggers: &loggers,
        }];
        let mut largest = BinaryHeap::from([(0, Reverse(0))]);
        while let Some((_, Reverse(place))) = largest.pop() {
            let branch = &branches[place];
            let own = branch.own();
            let mut children = branch.children();
            let mut cost: usize = children.iter().map(Branch::cost).sum();
            if cost > left && left < half {
                tree.named.extend(branch.name.map(|name| Named {
                    name,
                    counts: branch.counts(),
                    more: branch.below().len(),
                }));
                continue;
            }
            if cost > left {
                children.sort_by_key(|child| Reverse(child.records()));
                cost = 0;
                let fits = |child: &&Branch<'_, '_>| {
                    let with_it = cost + child.cost();
                    let fits = with_it <= left / 2;
                    cost = if fits { with_it } else { cost };
                    fits
                };
                let kept = children.iter().take_while(fits).count();
                let others = children.split_off(kept);
                tree.others.push(Others {
                    under: branch.name,
                    loggers: others.iter().map(|child| child.loggers.len()).sum(),
                    counts: sum(others.iter().flat_map(|child| child.loggers)),
                });
            }
            left -= cost;
            tree.named.extend(own.map(|(name, counts)| Named {
                name,
                counts: *counts,
                more: 0,
            }));
            for child in children {
                largest.push((child.records(), Reverse(branches.len())));
                branches.push(child);
            }
        }
        tree.named.sort_unstable_by_key(|named| named.name);
        tree
    }

    /// Whether there are loggers that are not named.
    pub(super) fn is_cut(&self) -> bool {
        !self.others.is_empty() || self.named.iter().any(|named| named.more > 0)
    }
}

impl<'l, 'n> Branch<'l, 'n> {
    /// The logger of this name, if there is one.
    fn own(&self) -> Option<&'l Logger<'n>> {
        let first = self.loggers.first();
        first.filter(|(name, _)| Some(*name) == self.name)
    }

    fn below(&self) -> &'l [Logger<'n>] {
        &self.loggers[usize::from(self.own().is_some())..]
    }

    fn children(&self) -> Vec<Branch<'l, 'n>> {
        let start = self.name.map_or(0, |name| name.len() + 1);
        let child = |name: &'n str| {
            let dot = name[start..].find('.');
            &name[..dot.map_or(name.len(), |dot| start + dot)]
        };
        let branches = self.below().chunk_by(|a, b| child(a.0) == child(b.0));
        let branches = branches.map(|loggers| Branch {
            name: Some(child(loggers[0].0)),
            loggers,
        });
        branches.collect()
    }

    fn counts(&self) -> Steps {
        sum(self.loggers)
    }

    fn records(&self) -> u64 {
        self.counts().iter().sum()
    }

    fn cost(&self) -> usize {
        self.name.unwrap_or_default().len().max(NODE_BYTES)
    }
}

/// What puts those below a logger right behind it: a dot comes before all else.
fn parts(name: &str) -> impl Iterator<Item = u16> {
    name.bytes().map(|byte| match byte {
        b'.' => 0,
        other => u16::from(other) + 1,
    })
}

fn sum<'l, 'n: 'l>(loggers: impl IntoIterator<Item = &'l Logger<'n>>) -> Steps {
    let mut sum = Steps::default();
    for (_, counts) in loggers {
        for (sum, count) in sum.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of these loggers, each with so many records of a level.
    fn tree<'n>(loggers: &'n [(String, u64)], under: Option<&'n str>) -> Tree<'n> {
        let loggers = loggers.iter().map(|(name, count)| {
            let level = name.len() % 5;
            let mut counts = Steps::default();
            counts[level] = *count;
            (name.as_str(), counts)
        });
        let loggers: Vec<Logger<'_>> = loggers.collect();
        let all = sum(&loggers);
        let tree = Tree::new(loggers, under);
        let named = tree.named.iter().map(|named| ("", named.counts));
        let others = tree.others.iter().map(|others| ("", others.counts));
        let counted: Vec<Logger<'_>> = named.chain(others).collect();
        assert_eq!(sum(&counted), all, "each record is there once");
        tree
    }

    fn one_each(names: impl IntoIterator<Item = String>) -> Vec<(String, u64)> {
        names.into_iter().map(|name| (name, 1)).collect()
    }

    /// All nodes that a reader of the names sees.
    fn nodes(tree: &Tree<'_>) -> usize {
        let mut nodes = std::collections::HashSet::new();
        for Named { name, .. } in &tree.named {
            nodes.insert(*name);
            nodes.extend(name.match_indices('.').map(|(dot, _)| &name[..dot]));
        }
        nodes.len()
    }

    #[test]
    fn few_loggers_are_all_named_in_the_order_of_their_names() {
        let names = ["a", "a-b", "a.b", "a.b.c", "", ".odd", "a..x", "é.ü"];
        let loggers = one_each(names.map(str::to_owned));
        let tree = tree(&loggers, None);
        let mut expected = names;
        expected.sort_unstable();
        let found: Vec<&str> = tree.named.iter().map(|named| named.name).collect();
        assert_eq!(found, expected);
        assert!(!tree.is_cut() && tree.named.iter().all(|named| named.more == 0));
    }

    #[test]
    fn of_many_loggers_the_largest_branches_are_open_and_all_can_be_opened() {
        let names = (0..100_000).map(|n| format!("a{}.m{}.l{}", n % 10, n / 10 % 100, n / 1000));
        let mut loggers = one_each(names);
        loggers[7003].1 = 1000;
        let top = tree(&loggers, None);
        assert!(top.is_cut() && top.others.is_empty());
        assert!(
            (1500..=MOST_NODES).contains(&nodes(&top)),
            "{}",
            nodes(&top)
        );
        assert!(top.named.iter().any(|named| named.name == "a3.m0.l7"));
        let closed: Vec<&Named<'_>> = top.named.iter().filter(|named| named.more > 0).collect();
        let open = top.named.len() - closed.len();
        assert_eq!(
            closed.iter().map(|named| named.more).sum::<usize>() + open,
            100_000
        );
        let Named { name, more, .. } = closed[0];
        let within = format!("{name}.");
        let below = loggers.iter().filter(|(name, _)| name.starts_with(&within));
        let below: Vec<(String, u64)> = below.cloned().collect();
        let opened = tree(&below, Some(name));
        assert!(!opened.is_cut());
        assert_eq!(opened.named.len(), *more);
    }

    #[test]
    fn of_too_many_at_one_place_the_largest_are_named() {
        let mut loggers = one_each((0..100_000).map(|n| format!("worker-{n}")));
        loggers[70_000].1 = 2;
        let flat = tree(&loggers, None);
        assert_eq!(flat.named.len(), MOST_NODES / 2);
        assert!(flat.named.iter().any(|named| named.name == "worker-70000"));
        assert_eq!(flat.others[0].under, None);
        assert_eq!(flat.others[0].loggers, 99_000);
        // Within another they leave room for what is beside it.
        let within = (0..5000).map(|n| format!("wide.w{n}"));
        let beside = (0..900).map(|n| format!("other.o{n}"));
        let loggers = one_each(within.chain(beside));
        let tree = tree(&loggers, None);
        assert_eq!(tree.others[0].under, Some("wide"));
        assert_eq!(tree.others[0].loggers, 5000 - 999);
        assert_eq!(tree.named.len(), 999 + 900);
    }

    #[test]
    fn a_deep_chain_and_long_names_end_where_there_is_no_more_room() {
        let chain = vec!["x"; 50_000].join(".");
        let mut loggers = one_each((0..200).map(|n| chain[..=2 * n].to_owned()));
        loggers.push((chain, 1));
        let deep = tree(&loggers, None);
        let last = deep.named.iter().find(|named| named.more > 0).unwrap();
        assert_eq!(last.more, 1);
        let opened = tree(&loggers[200..], Some(last.name));
        assert!(opened.named[0].name.len() > last.name.len());
        let long = "y".repeat(MOST_NODES * NODE_BYTES);
        let loggers = one_each(["a".to_owned(), long]);
        let tree = tree(&loggers, None);
        assert_eq!((tree.named.len(), tree.others[0].loggers), (1, 1));
    }

    proptest::proptest! {
        #[test]
        fn what_is_named_has_each_logger_once(names in proptest::collection::hash_set("[ab.é]{0,7}", 0..60)) {
            let loggers = one_each(names);
            proptest::prop_assert_eq!(tree(&loggers, None).named.len(), loggers.len());
        }
    }
}
