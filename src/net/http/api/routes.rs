//! What can be asked under `/api`, with what parameters. `docs/openapi.json` says the same.

use super::export::EXPORT;
use super::filters::FILTERS;
use super::parameters::{Parameter, Parameters};
use super::problem::Problem;
use super::{Answer, count, histogram, meta, names, records, stats};
use crate::store::Reader;

/// Answers a question on a thread that may read.
pub(super) type Question = fn(&Parameters, &Reader) -> Result<Answer, Problem>;

pub(super) struct Route {
    /// `{id}` in it is the id of a record.
    pub(super) path: &'static str,
    pub(super) parameters: &'static [&'static [Parameter]],
    pub(super) serves: Serves,
}

#[derive(Clone, Copy)]
pub(super) enum Serves {
    /// The answer of a reader, as a whole.
    Answers(Question),
    /// The live tail.
    Live,
    /// The whole answer, as a file.
    Export,
    /// What this table says, for programs.
    Description,
    /// What a browser keeps instead of the token.
    Session,
}

impl Serves {
    /// The methods that the path has, as `Allow` names them.
    pub(super) fn methods(self) -> &'static str {
        match self {
            Serves::Answers(_) | Serves::Live | Serves::Export | Serves::Description => "GET, HEAD",
            Serves::Session => "POST, DELETE",
        }
    }
}

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/api/meta",
        parameters: &[],
        serves: Serves::Answers(meta::meta),
    },
    Route {
        path: "/api/records",
        parameters: &[FILTERS, records::PAGE],
        serves: Serves::Answers(records::records),
    },
    Route {
        path: "/api/records/{id}",
        parameters: &[],
        serves: Serves::Answers(records::record),
    },
    Route {
        path: "/api/records/{id}/context",
        parameters: &[records::AROUND],
        serves: Serves::Answers(records::around),
    },
    Route {
        path: "/api/count",
        parameters: &[FILTERS, count::GROUPS],
        serves: Serves::Answers(count::count),
    },
    Route {
        path: "/api/histogram",
        parameters: &[FILTERS, histogram::BUCKETS],
        serves: Serves::Answers(histogram::histogram),
    },
    Route {
        path: "/api/names",
        parameters: &[FILTERS, names::PART],
        serves: Serves::Answers(names::names),
    },
    Route {
        path: "/api/stats",
        parameters: &[FILTERS],
        serves: Serves::Answers(stats::stats),
    },
    Route {
        path: "/api/stream",
        parameters: &[FILTERS],
        serves: Serves::Live,
    },
    Route {
        path: "/api/export",
        parameters: &[FILTERS, EXPORT],
        serves: Serves::Export,
    },
    Route {
        path: "/api/openapi.json",
        parameters: &[],
        serves: Serves::Description,
    },
    Route {
        path: "/api/session",
        parameters: &[],
        serves: Serves::Session,
    },
];

impl Route {
    /// The route of a path, and the id in it.
    pub(super) fn find(path: &str) -> Option<(&'static Route, Option<&str>)> {
        ROUTES.iter().find_map(|route| {
            let (mut wanted, mut given) = (route.path.split('/'), path.split('/'));
            let mut id = None;
            loop {
                match (wanted.next(), given.next()) {
                    (None, None) => return Some((route, id)),
                    (Some("{id}"), Some(segment)) => id = Some(segment),
                    (Some(wanted), Some(given)) if wanted == given => {}
                    _ => return None,
                }
            }
        })
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = &'static Parameter> + Clone {
        self.parameters.iter().copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_route() {
        let found = |path| Route::find(path).map(|(route, id)| (route.path, id));
        assert_eq!(found("/api/records"), Some(("/api/records", None)));
        let one = Some(("/api/records/{id}", Some("7")));
        assert_eq!(found("/api/records/7"), one);
        for path in [
            "/api",
            "/api/",
            "/api/records/7/",
            "/api/records/7/8",
            "/records",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn no_route_has_a_parameter_twice() {
        for route in ROUTES {
            let mut names: Vec<&str> = route.parameters().map(|known| known.name).collect();
            names.sort_unstable();
            assert!(
                names.is_sorted_by(|a, b| a < b),
                "{}: {names:?}",
                route.path
            );
        }
    }
}
