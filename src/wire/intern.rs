//! Sites and origins that were seen lately, so that a record from a known place costs a comparison instead of a dozen strings.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::level::Level;
use crate::record::{Origin, Site, filename_of, module_of};

/// How many of each are remembered. A collision evicts, so that a flood of new ones costs time but no memory.
const SLOTS: usize = 2048;

/// The fields of a site, borrowed from a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SiteKey<'a> {
    pub(super) name: &'a str,
    pub(super) level: Level,
    pub(super) level_name: &'a str,
    pub(super) pathname: &'a str,
    pub(super) lineno: Option<i64>,
    pub(super) func_name: &'a str,
    /// As sent; empty when it was not.
    pub(super) filename: &'a str,
    /// As sent; empty when it was not.
    pub(super) module: &'a str,
}

/// The fields of an origin, borrowed from a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct OriginKey<'a> {
    pub(super) hostname: &'a str,
    pub(super) process: Option<i64>,
    pub(super) process_name: &'a str,
    pub(super) thread: Option<i64>,
    pub(super) thread_name: &'a str,
    pub(super) started_ms: Option<i64>,
}

/// Caches of shared sites and origins.
#[derive(Debug)]
pub(super) struct Interner {
    hasher: RandomState,
    sites: Vec<Option<Arc<Site>>>,
    origins: Vec<Option<Arc<Origin>>>,
}

impl Default for Interner {
    fn default() -> Self {
        Interner {
            hasher: RandomState::default(),
            sites: vec![None; SLOTS],
            origins: vec![None; SLOTS],
        }
    }
}

impl Interner {
    /// The shared site with these fields.
    pub(super) fn site(&mut self, key: &SiteKey<'_>) -> &Arc<Site> {
        // Name, line and level tell nearly all places apart; the rest is compared, not hashed.
        let mut hash = self.hasher.build_hasher();
        hash.write(key.name.as_bytes());
        hash.write_i64(key.lineno.unwrap_or(-1));
        hash.write_i32(key.level.0);
        hash.write_usize(key.pathname.len());
        let slot = &mut self.sites[slot_of(hash.finish())];
        if !slot.as_ref().is_some_and(|site| key.is(site)) {
            *slot = None;
        }
        slot.get_or_insert_with(|| Arc::new(key.to_site()))
    }

    /// The shared origin with these fields.
    pub(super) fn origin(&mut self, key: &OriginKey<'_>) -> &Arc<Origin> {
        let mut hash = self.hasher.build_hasher();
        hash.write_i64(key.process.unwrap_or(-1));
        hash.write_i64(key.thread.unwrap_or(-1));
        hash.write(key.hostname.as_bytes());
        let slot = &mut self.origins[slot_of(hash.finish())];
        if !slot.as_ref().is_some_and(|origin| key.is(origin)) {
            *slot = None;
        }
        slot.get_or_insert_with(|| Arc::new(key.to_origin()))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "only the low bits are wanted"
)]
fn slot_of(hash: u64) -> usize {
    hash as usize % SLOTS
}

impl SiteKey<'_> {
    fn is(&self, site: &Site) -> bool {
        self.name == site.name
            && self.lineno == site.lineno
            && self.level == site.level
            && self.pathname == site.pathname
            && self.func_name == site.func_name
            && self.level_name == site.level_name
            && (self.filename.is_empty() && site.other_filename.is_none()
                || self.filename == site.filename())
            && (self.module.is_empty() && site.other_module.is_none()
                || self.module == site.module())
    }

    fn to_site(self) -> Site {
        let filename = filename_of(self.pathname);
        let other_filename = other(self.filename, filename);
        let module = module_of(other_filename.as_deref().unwrap_or(filename));
        Site {
            name: self.name.to_owned(),
            level: self.level,
            level_name: self.level_name.to_owned(),
            pathname: self.pathname.to_owned(),
            lineno: self.lineno,
            func_name: self.func_name.to_owned(),
            other_module: other(self.module, module),
            other_filename,
        }
    }
}

/// What was sent, when it was sent and says something else than what follows anyway.
fn other(sent: &str, derived: &str) -> Option<String> {
    (!sent.is_empty() && sent != derived).then(|| sent.to_owned())
}

impl OriginKey<'_> {
    /// The start is `created` minus `relativeCreated`, both floats, so it wavers around half a millisecond.
    fn is(&self, origin: &Origin) -> bool {
        let same_start = match (self.started_ms, origin.started_ms) {
            (Some(ours), Some(theirs)) => ours.abs_diff(theirs) <= 1,
            (ours, theirs) => ours == theirs,
        };
        same_start
            && self.process == origin.process
            && self.thread == origin.thread
            && self.thread_name == origin.thread_name
            && self.process_name == origin.process_name
            && self.hostname == origin.hostname
    }

    fn to_origin(self) -> Origin {
        Origin {
            hostname: self.hostname.to_owned(),
            process: self.process,
            process_name: self.process_name.to_owned(),
            thread: self.thread,
            thread_name: self.thread_name.to_owned(),
            started_ms: self.started_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: SiteKey<'_> = SiteKey {
        name: "myapp",
        level: Level::INFO,
        level_name: "INFO",
        pathname: "/srv/app.py",
        lineno: Some(7),
        func_name: "main",
        filename: "app.py",
        module: "app",
    };

    const ORIGIN: OriginKey<'_> = OriginKey {
        hostname: "node1",
        process: Some(1),
        process_name: "MainProcess",
        thread: Some(2),
        thread_name: "MainThread",
        started_ms: Some(1000),
    };

    #[test]
    fn a_place_that_logs_again_gets_the_same_site() {
        let mut interner = Interner::default();
        let first = Arc::clone(interner.site(&SITE));
        assert!(Arc::ptr_eq(&first, interner.site(&SITE)));
        assert_eq!((&first.other_filename, &first.other_module), (&None, &None));
    }

    #[test]
    fn any_other_field_makes_another_site() {
        let mut interner = Interner::default();
        let others = [
            SiteKey {
                name: "myapp2",
                ..SITE
            },
            SiteKey {
                level: Level(21),
                ..SITE
            },
            SiteKey {
                level_name: "Info",
                ..SITE
            },
            SiteKey {
                pathname: "/opt/app.py",
                ..SITE
            },
            SiteKey {
                lineno: None,
                ..SITE
            },
            SiteKey {
                func_name: "",
                ..SITE
            },
            SiteKey {
                filename: "other.py",
                ..SITE
            },
            SiteKey {
                module: "other",
                ..SITE
            },
        ];
        for key in others {
            let first = Arc::clone(interner.site(&SITE));
            let other = Arc::clone(interner.site(&key));
            assert_ne!(first, other);
            assert!(Arc::ptr_eq(&other, interner.site(&key)), "{key:?}");
        }
    }

    #[test]
    fn a_start_that_wavers_by_a_millisecond_is_the_same_process() {
        let mut interner = Interner::default();
        let first = Arc::clone(interner.origin(&ORIGIN));
        let wavered = OriginKey {
            started_ms: Some(1001),
            ..ORIGIN
        };
        assert!(Arc::ptr_eq(&first, interner.origin(&wavered)));
        let restarted = OriginKey {
            started_ms: Some(5000),
            ..ORIGIN
        };
        assert!(!Arc::ptr_eq(&first, interner.origin(&restarted)));
    }
}
