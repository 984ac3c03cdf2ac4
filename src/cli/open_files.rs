//! How many connections fit into the number of files that the system lets a process open.

/// What a server keeps open besides its connections: the database and its readers, sockets to listen on, the standard streams.
const OTHER_FILES: u64 = 64;

/// How many of so many connections can be open at the same time, after asking the system for as much as it allows without more rights.
/// An error says how many fit.
pub(super) fn make_room(connections: usize) -> Result<(), usize> {
    match raise_limit(connections as u64 + OTHER_FILES) {
        Some(limit) => fitting(connections, limit),
        None => Ok(()),
    }
}

fn fitting(connections: usize, limit: u64) -> Result<(), usize> {
    let fit = usize::try_from(limit.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    if fit < connections {
        Err(fit.max(1))
    } else {
        Ok(())
    }
}

/// Raises the limit of open files to this, or as far as it goes, and gives what it is then; `None`: there is none. It is low by default
/// for the sake of programs that use `select`, which this one does not.
#[cfg(unix)]
fn raise_limit(wanted: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current?;
    let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let new = Rlimit {
        current: Some(raised),
        maximum,
    };
    if raised > current && setrlimit(Resource::Nofile, new).is_ok() {
        return Some(raised);
    }
    Some(current)
}

#[cfg(not(unix))]
fn raise_limit(_wanted: u64) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_said_and_one_always_does() {
        assert_eq!(fitting(100, 1024), Ok(()));
        assert_eq!(fitting(960, 1024), Ok(()));
        assert_eq!(fitting(961, 1024), Err(960));
        assert_eq!(fitting(10, 3), Err(1));
    }
}
