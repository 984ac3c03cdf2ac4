//! Sites and origins that were seen lately, so that a record from a known place costs a comparison instead of a dozen strings.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::level::Level;
use crate::record::{Origin, Site, filename_of, module_of};

/// How many of each are remembered before all are forgotten: a flood of new ones costs time but no memory.
const REMEMBERED: usize = 1 << 13;

/// The most bytes of text that one to be remembered may have. The rest is made anew each time.
const REMEMBERED_BYTES: usize = 1 << 10;

/// How long a name may be: of a logger, a level, a file, a function, a host, a process, a thread, a task. A longer one is cut there
/// and ends in `…`. One long text may stand in all of a frame's names by reference, and names are kept in memory with every
/// batch; so two long names that begin alike become one. Linux has paths of 4,096 bytes at most, Python's names are shorter.
pub(super) const MAX_NAME_BYTES: usize = 4 << 10;

/// A name, cut to [`MAX_NAME_BYTES`].
pub(super) fn name(text: Cow<'_, str>) -> Cow<'_, str> {
    const CUT: &str = "…";
    if text.len() <= MAX_NAME_BYTES {
        return text;
    }
    let end = text.floor_char_boundary(MAX_NAME_BYTES - CUT.len());
    Cow::Owned(text[..end].to_owned() + CUT)
}

/// The fields of a site as a client sent them: bytes that have not been looked at, empty where it sent nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SiteKey<'a> {
    pub(super) name: &'a [u8],
    pub(super) level: Level,
    pub(super) level_name: &'a [u8],
    pub(super) pathname: &'a [u8],
    pub(super) lineno: Option<i64>,
    pub(super) func_name: &'a [u8],
    pub(super) filename: &'a [u8],
    pub(super) module: &'a [u8],
}

/// The fields of an origin as a client sent them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OriginKey<'a> {
    pub(super) hostname: &'a [u8],
    pub(super) process: Option<i64>,
    pub(super) process_name: &'a [u8],
    pub(super) thread: Option<i64>,
    pub(super) thread_name: &'a [u8],
    pub(super) started_ms: Option<i64>,
}

/// Shared sites and origins, found by the very bytes that were sent: only a new one is decoded.
#[derive(Debug, Default)]
pub(super) struct Interner {
    hasher: RandomState,
    sites: Shared<Site, SiteNumbers, 6>,
    origins: Shared<Origin, OriginNumbers, 3>,
}

type SiteNumbers = (Level, Option<i64>);
/// Process, thread and start.
type OriginNumbers = [Option<i64>; 3];

/// The values of one kind.
#[derive(Debug)]
struct Shared<T, N, const TEXTS: usize> {
    remembered: HashTable<Known<T, N, TEXTS>>,
    /// The last one that was too large to be remembered.
    large: Option<Arc<T>>,
}

/// A shared value with the bytes that it was made from.
#[derive(Debug)]
struct Known<T, N, const TEXTS: usize> {
    value: Arc<T>,
    hash: u64,
    numbers: N,
    lens: [usize; TEXTS],
    /// All texts in one run of memory.
    texts: Box<[u8]>,
}

impl<T, N, const TEXTS: usize> Default for Shared<T, N, TEXTS> {
    fn default() -> Self {
        Shared {
            remembered: HashTable::new(),
            large: None,
        }
    }
}

impl<T, N, const TEXTS: usize> Shared<T, N, TEXTS> {
    /// The value with these texts whose numbers are the `same`, made when there is none.
    fn get(
        &mut self,
        hash: u64,
        numbers: N,
        texts: [&[u8]; TEXTS],
        same: impl Fn(&N) -> bool,
        make: impl FnOnce() -> T,
    ) -> &Arc<T> {
        let lens = texts.map(<[u8]>::len);
        if lens.iter().sum::<usize>() > REMEMBERED_BYTES {
            return self.large.insert(Arc::new(make()));
        }
        if self.remembered.len() >= REMEMBERED {
            self.remembered.clear();
        }
        let known = |known: &Known<T, N, TEXTS>| {
            known.lens == lens && same(&known.numbers) && known.has(texts)
        };
        let entry = self.remembered.entry(hash, known, |known| known.hash);
        let entry = entry.or_insert_with(|| Known {
            value: Arc::new(make()),
            hash,
            numbers,
            lens,
            texts: texts.concat().into(),
        });
        &entry.into_mut().value
    }
}

impl<T, N, const TEXTS: usize> Known<T, N, TEXTS> {
    /// Whether it was made from these texts, which have the known lengths.
    fn has(&self, texts: [&[u8]; TEXTS]) -> bool {
        let mut rest = &*self.texts;
        texts.into_iter().all(|text| {
            let (known, behind) = rest.split_at(text.len());
            rest = behind;
            // The C library may compare with masked loads, which for the dangling address of an empty slice cost a hundred
            // times what they should.
            text.is_empty() || known == text
        })
    }
}

impl Interner {
    /// The shared site with these fields. `decode` makes text of the bytes.
    pub(super) fn site(
        &mut self,
        key: &SiteKey<'_>,
        decode: impl Fn(&[u8]) -> Cow<'_, str>,
    ) -> &Arc<Site> {
        // Name, line and level tell nearly all places apart; the rest is compared, not hashed.
        let mut hash = self.hasher.build_hasher();
        hash.write(key.name);
        hash.write_i64(key.lineno.unwrap_or(-1));
        hash.write_i32(key.level.0);
        hash.write_usize(key.pathname.len());
        let numbers = (key.level, key.lineno);
        let texts = [
            key.name,
            key.level_name,
            key.pathname,
            key.func_name,
            key.filename,
            key.module,
        ];
        let same = |known: &SiteNumbers| *known == numbers;
        self.sites
            .get(hash.finish(), numbers, texts, same, || key.to_site(decode))
    }

    /// The shared origin with these fields. `decode` makes text of the bytes.
    pub(super) fn origin(
        &mut self,
        key: &OriginKey<'_>,
        decode: impl Fn(&[u8]) -> Cow<'_, str>,
    ) -> &Arc<Origin> {
        let mut hash = self.hasher.build_hasher();
        hash.write_i64(key.process.unwrap_or(-1));
        hash.write_i64(key.thread.unwrap_or(-1));
        hash.write(key.hostname);
        let numbers = [key.process, key.thread, key.started_ms];
        let texts = [key.hostname, key.process_name, key.thread_name];
        let same = |known: &OriginNumbers| {
            known[..2] == numbers[..2] && same_start(known[2], key.started_ms)
        };
        self.origins.get(hash.finish(), numbers, texts, same, || {
            key.to_origin(decode)
        })
    }
}

/// A start is `created` minus `relativeCreated`, both floats, so it wavers around half a millisecond.
fn same_start(known: Option<i64>, sent: Option<i64>) -> bool {
    match (known, sent) {
        (Some(known), Some(sent)) => known.abs_diff(sent) <= 1,
        (known, sent) => known == sent,
    }
}

impl SiteKey<'_> {
    fn to_site(self, decode: impl Fn(&[u8]) -> Cow<'_, str>) -> Site {
        let text = |bytes| name(decode(bytes)).into_owned();
        let pathname = text(self.pathname);
        let filename = filename_of(&pathname);
        let other_filename = other(text(self.filename), filename);
        let module = module_of(other_filename.as_deref().unwrap_or(filename));
        let other_module = other(text(self.module), module);
        Site {
            // Python calls the logger without a name "root".
            name: if self.name.is_empty() {
                "root".into()
            } else {
                text(self.name)
            },
            level: self.level,
            level_name: if self.level_name.is_empty() {
                self.level.to_string()
            } else {
                text(self.level_name)
            },
            lineno: self.lineno,
            func_name: text(self.func_name),
            other_filename,
            other_module,
            pathname,
        }
    }
}

/// What was sent, when it was sent and says something else than what follows anyway.
fn other(sent: String, derived: &str) -> Option<String> {
    (!sent.is_empty() && sent != derived).then_some(sent)
}

impl OriginKey<'_> {
    fn to_origin(self, decode: impl Fn(&[u8]) -> Cow<'_, str>) -> Origin {
        let text = |bytes| name(decode(bytes)).into_owned();
        Origin {
            hostname: text(self.hostname),
            process: self.process,
            process_name: text(self.process_name),
            thread: self.thread,
            thread_name: text(self.thread_name),
            started_ms: self.started_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: SiteKey<'_> = SiteKey {
        name: b"myapp",
        level: Level::INFO,
        level_name: b"INFO",
        pathname: b"/srv/app.py",
        lineno: Some(7),
        func_name: b"main",
        filename: b"app.py",
        module: b"app",
    };

    const ORIGIN: OriginKey<'_> = OriginKey {
        hostname: b"node1",
        process: Some(1),
        process_name: b"MainProcess",
        thread: Some(2),
        thread_name: b"MainThread",
        started_ms: Some(1000),
    };

    fn decode(bytes: &[u8]) -> Cow<'_, str> {
        String::from_utf8_lossy(bytes)
    }

    #[test]
    fn a_place_that_logs_again_gets_the_same_site() {
        let mut interner = Interner::default();
        let first = Arc::clone(interner.site(&SITE, decode));
        assert!(Arc::ptr_eq(&first, interner.site(&SITE, decode)));
        assert_eq!((&first.other_filename, &first.other_module), (&None, &None));
    }

    #[test]
    fn any_other_field_makes_another_site() {
        let mut interner = Interner::default();
        let others = [
            SiteKey {
                name: b"myapp2",
                ..SITE
            },
            SiteKey {
                level: Level(21),
                ..SITE
            },
            SiteKey {
                level_name: b"Info",
                ..SITE
            },
            SiteKey {
                pathname: b"/opt/app.py",
                ..SITE
            },
            SiteKey {
                lineno: None,
                ..SITE
            },
            SiteKey {
                func_name: b"",
                ..SITE
            },
            SiteKey {
                filename: b"other.py",
                ..SITE
            },
            SiteKey {
                module: b"other",
                ..SITE
            },
        ];
        for key in others {
            let first = Arc::clone(interner.site(&SITE, decode));
            let other = Arc::clone(interner.site(&key, decode));
            assert_ne!(first, other);
            assert!(Arc::ptr_eq(&other, interner.site(&key, decode)), "{key:?}");
        }
    }

    #[test]
    fn a_start_that_wavers_by_a_millisecond_is_the_same_process() {
        let mut interner = Interner::default();
        let first = Arc::clone(interner.origin(&ORIGIN, decode));
        let wavered = OriginKey {
            started_ms: Some(1001),
            ..ORIGIN
        };
        assert!(Arc::ptr_eq(&first, interner.origin(&wavered, decode)));
        let restarted = OriginKey {
            started_ms: Some(5000),
            ..ORIGIN
        };
        assert!(!Arc::ptr_eq(&first, interner.origin(&restarted, decode)));
    }

    #[test]
    fn a_long_name_is_cut_and_says_so() {
        let long = "é".repeat(MAX_NAME_BYTES);
        let site = SiteKey {
            name: long.as_bytes(),
            level_name: long.as_bytes(),
            pathname: long.as_bytes(),
            func_name: long.as_bytes(),
            filename: long.as_bytes(),
            module: long.as_bytes(),
            ..SITE
        };
        let mut interner = Interner::default();
        let site = interner.site(&site, decode);
        let cut = "é".repeat(MAX_NAME_BYTES / 2 - 2) + "…";
        assert_eq!(
            [
                &site.name,
                &site.level_name,
                &site.pathname,
                &site.func_name
            ],
            [&cut; 4]
        );
        // They follow from the path.
        assert_eq!((&site.other_filename, &site.other_module), (&None, &None));
        let origin = OriginKey {
            hostname: long.as_bytes(),
            process_name: long.as_bytes(),
            thread_name: long.as_bytes(),
            ..ORIGIN
        };
        let origin = interner.origin(&origin, decode);
        assert_eq!(
            [&origin.hostname, &origin.process_name, &origin.thread_name],
            [&cut; 3]
        );
        assert_eq!(
            name("x".repeat(MAX_NAME_BYTES).into()).len(),
            MAX_NAME_BYTES
        );
    }

    #[test]
    fn a_flood_of_new_places_is_not_remembered() {
        let mut interner = Interner::default();
        let large = vec![b'x'; REMEMBERED_BYTES];
        let key = SiteKey {
            name: &large,
            ..SITE
        };
        assert_eq!(interner.site(&key, decode).name.len(), large.len());
        assert_eq!(interner.sites.remembered.len(), 0);
        for line in 0..20_000 {
            let key = SiteKey {
                lineno: Some(line),
                ..SITE
            };
            assert_eq!(interner.site(&key, decode).lineno, Some(line));
            assert!(interner.sites.remembered.len() <= REMEMBERED);
        }
    }
}
