//! Counting the records of one block from its arrays: each record becomes the number of a place in a small table.

use rusqlite::Connection;

use super::block::{Column, Extent, Found};
use super::count::{Cell, Cells, Counting};
use super::filter::Wanted;
use super::groups::Groups;
use super::scan::Lens;
use crate::time::Buckets;

/// The most places that the table of a block may have. With more, a block's records are counted one by one.
const MAX_PLACES: usize = 1 << 16;

/// The place of what is not wanted: more than any, also when it is added twice.
const NOWHERE: u32 = 1 << 28;

/// Memory for one block after the other.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    sites: Axis,
    origins: Axis,
    /// Of each record its place.
    places: Vec<u32>,
    counts: Vec<u32>,
}

/// The groups of a block's sites or origins.
#[derive(Debug, Default)]
struct Axis {
    /// The groups that occur in the block.
    groups: Vec<u32>,
    /// Of each of the block's sites or origins the index of its group, times the distance between two groups.
    steps: Vec<u32>,
    /// Of each group of all the index in this block, and by which block it was given.
    known: Vec<(u64, u32)>,
    block: u64,
}

impl Axis {
    /// Gets ready for a block with these sites or origins.
    fn fill(&mut self, wanted: &Wanted, groups: &Groups, ids: &[i64]) {
        self.block += 1;
        self.known.resize(groups.keys.len(), (0, 0));
        self.groups.clear();
        self.steps.clear();
        for id in ids {
            if !wanted.contains(*id) {
                self.steps.push(NOWHERE);
                continue;
            }
            let group = groups.of(*id);
            let known = &mut self.known[group as usize];
            if known.0 != self.block {
                *known = (
                    self.block,
                    u32::try_from(self.groups.len()).unwrap_or(NOWHERE),
                );
                self.groups.push(group);
            }
            self.steps.push(known.1);
        }
    }

    fn spread(&mut self, distance: usize) {
        let distance = u32::try_from(distance).unwrap_or(NOWHERE);
        for step in &mut self.steps {
            *step = step.saturating_mul(distance).min(NOWHERE);
        }
    }
}

impl Histogram {
    /// Counts the wanted records of a block into `cells`; `false`, and nothing counted, when its arrays are not to be believed or
    /// not enough.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        counting: &Counting<'_>,
        extent: &Extent,
        lens: &mut Lens,
        mut buckets: Option<&mut Buckets>,
        cells: &mut Cells,
    ) -> rusqlite::Result<bool> {
        let Counting {
            search,
            sites,
            origins,
            ..
        } = counting;
        let starts = match buckets
            .as_mut()
            .map(|all| all.few_starts(extent.min_created, extent.max_created))
        {
            None => vec![0],
            Some(Some(starts)) => starts,
            Some(None) => return Ok(false),
        };
        let within = search.bounds.contains_all(extent);
        let by_site = !sites.is_one() || !search.sites.is_all();
        let by_origin = !origins.is_one() || !search.origins.is_all();
        let by_time = !within || starts.len() > 1;
        let columns: &[Column] = match (by_site, by_origin, by_time) {
            (_, _, true) => &[
                Column::Origin,
                Column::Site,
                Column::Created,
                Column::Record,
            ],
            (true, true, false) => &[Column::Origin, Column::Site],
            (true, false, false) => &[Column::Site],
            (false, true, false) => &[Column::Origin],
            (false, false, false) => &[],
        };
        if columns.is_empty() {
            let cell = Cell {
                start_ns: starts[0],
                site: 0,
                origin: 0,
                fields: Vec::new(),
            };
            *cells.entry(cell).or_default() += extent.records as u64;
            return Ok(true);
        }
        // Whoever reads the rows instead takes note of a damaged block.
        if lens.columns.read(connection, extent, columns)? != Found::Sound {
            return Ok(false);
        }
        let columns = &lens.columns;
        self.sites.fill(&search.sites, sites, &columns.site_ids);
        self.origins
            .fill(&search.origins, origins, &columns.origin_ids);
        let (site_groups, origin_groups) = (self.sites.groups.len(), self.origins.groups.len());
        let places = site_groups * origin_groups * starts.len();
        if places > MAX_PLACES {
            return Ok(false);
        }
        self.sites.spread(origin_groups);
        self.places.clear();
        self.places.resize(extent.records, 0);
        if by_site {
            add_steps(&mut self.places, &columns.sites, &self.sites.steps);
        }
        if by_origin {
            add_steps(&mut self.places, &columns.origins, &self.origins.steps);
        }
        if by_time {
            let distance = u32::try_from(site_groups * origin_groups).unwrap_or(NOWHERE);
            let keys = columns
                .created
                .iter()
                .copied()
                .zip(columns.ids.iter().copied());
            let mut at = At::default();
            for (place, key) in self.places.iter_mut().zip(keys) {
                *place += if within || search.bounds.contains(key) {
                    at.bucket(&starts, key.0) * distance
                } else {
                    NOWHERE
                };
            }
        }
        // The last one takes what is not wanted.
        self.counts.clear();
        self.counts.resize(places + 1, 0);
        for place in &self.places {
            self.counts[(*place as usize).min(places)] += 1;
        }
        let mut counts = self.counts.iter();
        for start_ns in starts {
            for site in &self.sites.groups {
                for origin in &self.origins.groups {
                    let records = counts.next().copied().unwrap_or_default();
                    if records > 0 {
                        let cell = Cell {
                            start_ns,
                            site: *site,
                            origin: *origin,
                            fields: Vec::new(),
                        };
                        *cells.entry(cell).or_default() += u64::from(records);
                    }
                }
            }
        }
        Ok(true)
    }
}

/// Adds to each place the step of its record's site or origin.
fn add_steps(places: &mut [u32], indices: &[u32], steps: &[u32]) {
    for (place, index) in places.iter_mut().zip(indices) {
        *place += steps.get(*index as usize).copied().unwrap_or(NOWHERE);
    }
}

/// The bucket of the last record, which is mostly that of the next one.
#[derive(Default)]
struct At {
    bucket: usize,
}

impl At {
    fn bucket(&mut self, starts: &[i64], created: i64) -> u32 {
        let here = starts[self.bucket] <= created
            && starts
                .get(self.bucket + 1)
                .is_none_or(|next| created < *next);
        if !here {
            self.bucket = starts
                .partition_point(|start| *start <= created)
                .saturating_sub(1);
        }
        u32::try_from(self.bucket).unwrap_or(NOWHERE)
    }
}
