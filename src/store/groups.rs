//! Which group each site and each origin belongs to, so that a record is counted by two small numbers.

use std::collections::HashMap;

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::rows::{each_origin, each_site, unknown_site};
use crate::count::{GroupBy, Side};
use crate::record::{Origin, Site};

/// Ids below this have their group in a list, others in a table: a foreign hand may have put any number.
const LISTED: usize = 1 << 22;

/// The groups of all rows of one of the two dictionary tables.
#[derive(Debug, Default)]
pub(super) struct Groups {
    listed: Vec<u32>,
    others: HashMap<i64, u32>,
    /// What the members of a group have in common, and for sites the level's number, which puts levels in order.
    pub(super) keys: Vec<(Vec<Value>, i32)>,
    numbers: HashMap<(Vec<Value>, i32), u32>,
}

/// The group of ids that are not in the table, which happens only in a damaged file.
const UNKNOWN: u32 = 0;

impl Groups {
    /// The groups of sites; one alone when none of these tells sites apart.
    pub(super) fn of_sites(connection: &Connection, by: &[GroupBy]) -> rusqlite::Result<Self> {
        let mut groups = Groups::default();
        let key = |site: &Site| {
            let key = key_of(by, Side::Site, site, &Origin::default());
            // Levels of one name and another number count as one, but come in the order of the lowest.
            let level = by.contains(&GroupBy::Level).then_some(site.level.0);
            (key, level.unwrap_or_default())
        };
        groups.number(key(&unknown_site()));
        if by.iter().any(|by| by.side() == Side::Site) {
            each_site(connection, |id, site| groups.add(id, key(site)))?;
        }
        Ok(groups)
    }

    /// The groups of origins; one alone when none of these tells origins apart.
    pub(super) fn of_origins(connection: &Connection, by: &[GroupBy]) -> rusqlite::Result<Self> {
        let mut groups = Groups::default();
        let key = |origin: &Origin| (key_of(by, Side::Origin, &unknown_site(), origin), 0);
        groups.number(key(&Origin::default()));
        if by.iter().any(|by| by.side() == Side::Origin) {
            each_origin(connection, |id, origin| groups.add(id, key(origin)))?;
        }
        Ok(groups)
    }

    /// Whether all are of one group.
    pub(super) fn is_one(&self) -> bool {
        self.keys.len() == 1
    }

    pub(super) fn of(&self, id: i64) -> u32 {
        let listed = usize::try_from(id).ok().and_then(|id| self.listed.get(id));
        match listed {
            Some(group) => *group,
            None => self.others.get(&id).copied().unwrap_or(UNKNOWN),
        }
    }

    fn add(&mut self, id: i64, key: (Vec<Value>, i32)) {
        let group = self.number(key);
        match usize::try_from(id) {
            Ok(id) if id < LISTED => {
                if id >= self.listed.len() {
                    self.listed.resize(id + 1, UNKNOWN);
                }
                self.listed[id] = group;
            }
            _ => {
                self.others.insert(id, group);
            }
        }
    }

    fn number(&mut self, key: (Vec<Value>, i32)) -> u32 {
        let next = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(key).or_insert_with_key(|key| {
            self.keys.push(key.clone());
            next
        })
    }
}

fn key_of(by: &[GroupBy], wanted: Side, site: &Site, origin: &Origin) -> Vec<Value> {
    by.iter()
        .filter(|by| by.side() == wanted)
        .map(|by| by.value(site, origin, &Map::new()))
        .collect()
}
