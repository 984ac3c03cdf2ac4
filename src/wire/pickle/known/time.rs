//! Python's `datetime` and the time zones that come with it.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Form, call, call_of_text, short_bytes_of};
use crate::wire::pickle::object::{Name, Parts, short_text_of};
use crate::wire::pickle::value::{Heap, Item};

const SECONDS_PER_DAY: i64 = 86_400;
const MICROS: i64 = 1_000_000;
const FITS: &str = "a String takes everything";

/// The text of an object of `datetime`, `zoneinfo` or `pytz`.
pub(super) fn shown(heap: &Heap<'_>, parts: &Parts<'_>, form: Form) -> Option<String> {
    let Name { module, path } = parts.name.as_ref()?;
    if !parts.is_call() {
        return None;
    }
    match (*module, &**path, parts.args) {
        ("datetime", "date", [state]) => {
            Some(Date::of(&short_bytes_of(heap, *state)?)?.shown(form))
        }
        ("datetime", "datetime", [state, zone @ ..]) => {
            let bytes = short_bytes_of(heap, *state)?;
            let (date, clock) = bytes.split_at_checked(4)?;
            // The fold, of hours that come twice, stands in the month.
            let &[century, year, month, day] = date else {
                return None;
            };
            let date = Date::of(&[century, year, month & 0x7F, day])?;
            let clock = Clock::of(clock, month & 0x80 != 0)?;
            Some(moment(
                Some(&date),
                &clock,
                zone_of(heap, zone)?.as_ref(),
                form,
            ))
        }
        ("datetime", "time", [state, zone @ ..]) => {
            let bytes = short_bytes_of(heap, *state)?;
            let (&hour, rest) = bytes.split_first()?;
            let clock = [&[hour & 0x7F], rest].concat();
            let clock = Clock::of(&clock, hour & 0x80 != 0)?;
            Some(moment(None, &clock, zone_of(heap, zone)?.as_ref(), form))
        }
        ("datetime", "timedelta", [days, seconds, micros]) => {
            let span = Span::of(*days, *seconds, *micros)?;
            Some(if form == Form::Repr {
                span.repr()
            } else {
                span.shown()
            })
        }
        _ => {
            let zone = zone_named(heap, parts)?;
            Some(if form == Form::Repr {
                zone.repr()
            } else {
                zone.shown()
            })
        }
    }
}

struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    fn of(bytes: &[u8]) -> Option<Date> {
        let &[century, year, month, day] = bytes else {
            return None;
        };
        let year = u16::from_be_bytes([century, year]);
        let valid =
            (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        valid.then_some(Date { year, month, day })
    }

    fn shown(&self, form: Form) -> String {
        let Date { year, month, day } = self;
        match form {
            Form::Repr => format!("datetime.date({year}, {month}, {day})"),
            Form::Json | Form::Str => format!("{year:04}-{month:02}-{day:02}"),
        }
    }
}

struct Clock {
    hour: u8,
    minute: u8,
    second: u8,
    micros: u32,
    fold: bool,
}

impl Clock {
    fn of(bytes: &[u8], fold: bool) -> Option<Clock> {
        let &[hour, minute, second, a, b, c] = bytes else {
            return None;
        };
        let micros = u32::from_be_bytes([0, a, b, c]);
        let valid = hour < 24 && minute < 60 && second < 60 && i64::from(micros) < MICROS;
        valid.then_some(Clock {
            hour,
            minute,
            second,
            micros,
            fold,
        })
    }
}

/// A `datetime`, or a `time` when there is no date.
fn moment(date: Option<&Date>, clock: &Clock, zone: Option<&Zone<'_>>, form: Form) -> String {
    let Clock {
        hour,
        minute,
        second,
        micros,
        fold,
    } = clock;
    let mut out = String::new();
    if form == Form::Repr {
        match date {
            Some(Date { year, month, day }) => {
                write!(
                    out,
                    "datetime.datetime({year}, {month}, {day}, {hour}, {minute}"
                )
                .expect(FITS);
            }
            None => write!(out, "datetime.time({hour}, {minute}").expect(FITS),
        }
        match (second, micros) {
            (0, 0) => {}
            (_, 0) => write!(out, ", {second}").expect(FITS),
            _ => write!(out, ", {second}, {micros}").expect(FITS),
        }
        if *fold {
            out.push_str(", fold=1");
        }
        if let Some(zone) = zone {
            write!(out, ", tzinfo={}", zone.repr()).expect(FITS);
        }
        out.push(')');
        return out;
    }
    if let Some(date) = date {
        out.push_str(&date.shown(form));
        out.push(if form == Form::Json { 'T' } else { ' ' });
    }
    write!(out, "{hour:02}:{minute:02}:{second:02}").expect(FITS);
    if *micros != 0 {
        write!(out, ".{micros:06}").expect(FITS);
    }
    match zone {
        None => {}
        Some(Zone::Offset(span, _)) => out.push_str(&span.offset()),
        Some(Zone::Named(name) | Zone::Foreign(name)) => write!(out, "[{name}]").expect(FITS),
    }
    out
}

/// A `timedelta`.
#[derive(Clone, Copy)]
struct Span {
    days: i64,
    /// Never negative, below a day.
    seconds: i64,
    /// Never negative, below a second.
    micros: i64,
}

impl Span {
    fn of(days: Item, seconds: Item, micros: Item) -> Option<Span> {
        let (Item::Int(days), Item::Int(seconds), Item::Int(micros)) = (days, seconds, micros)
        else {
            return None;
        };
        let valid = days.unsigned_abs() < 1_000_000_000
            && (0..SECONDS_PER_DAY).contains(&seconds)
            && (0..MICROS).contains(&micros);
        valid.then_some(Span {
            days,
            seconds,
            micros,
        })
    }

    fn of_seconds(seconds: i64) -> Span {
        Span {
            days: seconds.div_euclid(SECONDS_PER_DAY),
            seconds: seconds.rem_euclid(SECONDS_PER_DAY),
            micros: 0,
        }
    }

    fn is_zero(self) -> bool {
        (self.days, self.seconds, self.micros) == (0, 0, 0)
    }

    fn shown(self) -> String {
        let Span {
            days,
            seconds,
            micros,
        } = self;
        let mut out = match days {
            0 => String::new(),
            1 | -1 => format!("{days} day, "),
            _ => format!("{days} days, "),
        };
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        write!(out, "{hours}:{minutes:02}:{:02}", seconds % 60).expect(FITS);
        if micros != 0 {
            write!(out, ".{micros:06}").expect(FITS);
        }
        out
    }

    fn repr(self) -> String {
        let named = [
            ("days", self.days),
            ("seconds", self.seconds),
            ("microseconds", self.micros),
        ];
        let args: Vec<_> = named
            .iter()
            .filter(|(_, value)| *value != 0)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let args = if args.is_empty() {
            "0".to_owned()
        } else {
            args.join(", ")
        };
        format!("datetime.timedelta({args})")
    }

    /// As an offset from UTC: `+01:00`.
    fn offset(self) -> String {
        let micros = (self.days * SECONDS_PER_DAY + self.seconds) * MICROS + self.micros;
        let sign = if micros < 0 { '-' } else { '+' };
        let (seconds, micros) = (micros.abs() / MICROS, micros.abs() % MICROS);
        let mut out = format!("{sign}{:02}:{:02}", seconds / 3_600, seconds / 60 % 60);
        if seconds % 60 != 0 || micros != 0 {
            write!(out, ":{:02}", seconds % 60).expect(FITS);
        }
        if micros != 0 {
            write!(out, ".{micros:06}").expect(FITS);
        }
        out
    }
}

/// A `tzinfo`.
enum Zone<'a> {
    /// A fixed offset from UTC and its name.
    Offset(Span, Option<Cow<'a, str>>),
    /// A zone of the tz database. Its offset is not on the wire.
    Named(Cow<'a, str>),
    /// An object of another class.
    Foreign(Cow<'a, str>),
}

impl Zone<'_> {
    fn shown(&self) -> String {
        match self {
            Zone::Offset(_, Some(name)) | Zone::Named(name) => name.clone().into_owned(),
            Zone::Offset(span, None) if span.is_zero() => "UTC".to_owned(),
            Zone::Offset(span, None) => format!("UTC{}", span.offset()),
            Zone::Foreign(name) => format!("<{name}>"),
        }
    }

    fn repr(&self) -> String {
        match self {
            Zone::Offset(span, None) if span.is_zero() => "datetime.timezone.utc".to_owned(),
            Zone::Offset(span, None) => format!("datetime.timezone({})", span.repr()),
            Zone::Offset(span, Some(name)) => call_of_text("datetime.timezone", name).replacen(
                '(',
                &format!("({}, ", span.repr()),
                1,
            ),
            Zone::Named(name) => call_of_text("zoneinfo.ZoneInfo", name).replacen('(', "(key=", 1),
            Zone::Foreign(name) => format!("<{name}>"),
        }
    }
}

/// The zone in the arguments of a `datetime` behind its state: none, or at most one. The outer `None` says that there is
/// something else.
#[expect(
    clippy::option_option,
    reason = "no zone is a fact about a datetime, not a failure"
)]
fn zone_of<'a>(heap: &Heap<'a>, args: &[Item]) -> Option<Option<Zone<'a>>> {
    match args {
        [] | [Item::None] => Some(None),
        [zone] => {
            let parts = call(heap, *zone)?;
            let foreign = || {
                let name = parts.name.as_ref()?.shown();
                Some(Zone::Foreign(name.into()))
            };
            Some(Some(zone_named(heap, &parts).or_else(foreign)?))
        }
        _ => None,
    }
}

/// A zone by the name of what would have made it.
fn zone_named<'a>(heap: &Heap<'a>, parts: &Parts<'a>) -> Option<Zone<'a>> {
    let Name { module, path } = parts.name.as_ref()?;
    let utc = || Zone::Offset(Span::of_seconds(0), None);
    if !parts.is_call() {
        return None;
    }
    Some(match (*module, &**path, parts.args) {
        ("datetime", "timezone", [offset, name @ ..]) => {
            let offset = call(heap, *offset)?;
            let Name { module, path } = offset.name.as_ref()?;
            let is_span = (*module, &**path) == ("datetime", "timedelta");
            let ([days, seconds, micros], true) = (offset.args, is_span) else {
                return None;
            };
            let name = match name {
                [] => None,
                [name] => Some(short_text_of(heap, *name)?),
                _ => return None,
            };
            // Python has none of a day or more.
            let offset = Span::of(*days, *seconds, *micros)?;
            let is_small =
                offset.days == 0 || offset.days == -1 && (offset.seconds, offset.micros) != (0, 0);
            if !is_small {
                return None;
            }
            Zone::Offset(offset, name)
        }
        ("zoneinfo" | "backports.zoneinfo", "ZoneInfo" | "ZoneInfo._unpickle", [key, ..]) => {
            Zone::Named(short_text_of(heap, *key)?)
        }
        ("pytz", "_UTC", []) | ("dateutil.tz.tz", "tzutc", []) => utc(),
        ("pytz", "_p", [_, Item::Int(seconds), _, name]) => {
            if seconds.unsigned_abs() >= SECONDS_PER_DAY.cast_unsigned() {
                return None;
            }
            Zone::Offset(
                Span::of_seconds(*seconds),
                Some(short_text_of(heap, *name)?),
            )
        }
        ("pytz", "_p", [name]) => Zone::Named(short_text_of(heap, *name)?),
        ("pytz", "_FixedOffset" | "FixedOffset", [Item::Int(minutes)]) => {
            if minutes.unsigned_abs() >= (SECONDS_PER_DAY / 60).cast_unsigned() {
                return None;
            }
            Zone::Offset(Span::of_seconds(minutes * 60), None)
        }
        _ => return None,
    })
}
