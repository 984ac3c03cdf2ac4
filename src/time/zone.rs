//! Whose days and hours are meant.

use std::str::FromStr;

#[cfg(feature = "net")]
use super::rules::NamedZone;
use crate::error::QueryError;

/// Whose days and hours are meant when a time is read or shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Zone {
    /// Those of this machine, by the variable `TZ` or by its settings.
    #[default]
    Local,
    /// UTC.
    Utc,
    /// Those of a zone of the IANA database.
    #[cfg(feature = "net")]
    Named(NamedZone),
}

/// Reads `local`, `utc` and, with the feature `net`, the names of the IANA database: `Europe/Berlin`.
///
/// # Errors
///
/// [`QueryError::Zone`] for anything else.
///
/// ```
/// # #[cfg(feature = "net")] {
/// use logstore::{Zone, parse_since};
///
/// let kolkata: Zone = "Asia/Kolkata".parse()?;
/// let midnight = parse_since("2026-11-22", 0, kolkata)?;
/// assert_eq!(midnight, parse_since("2026-11-21T18:30:00Z", 0, Zone::Utc)?);
/// # }
/// # Ok::<(), logstore::QueryError>(())
/// ```
impl FromStr for Zone {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "local" => return Ok(Zone::Local),
            "utc" => return Ok(Zone::Utc),
            _ => {}
        }
        #[cfg(feature = "net")]
        if let Some(zone) = NamedZone::find(text) {
            return Ok(Zone::Named(zone));
        }
        Err(QueryError::Zone {
            text: text.to_owned(),
        })
    }
}

/// An expression for each kind of zone, with its clock (a `chrono::TimeZone`) by that name.
macro_rules! in_zone {
    ($zone:expr, $clock:ident => $then:expr) => {
        match $zone {
            $crate::time::Zone::Local => {
                let $clock = &chrono::Local;
                $then
            }
            $crate::time::Zone::Utc => {
                let $clock = &chrono::Utc;
                $then
            }
            #[cfg(feature = "net")]
            $crate::time::Zone::Named(zone) => {
                let $clock = &zone.rules();
                $then
            }
        }
    };
}
pub(super) use in_zone;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_is_not_known_is_refused_with_the_way_out() {
        assert_eq!("local".parse(), Ok(Zone::Local));
        assert_eq!("utc".parse(), Ok(Zone::Utc));
        for text in ["", "Local", "Europe/Atlantis", "+01:00"] {
            let error = text.parse::<Zone>().unwrap_err().to_string();
            let expected = format!("unknown zone {text:?}; use local");
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}
