//! The rest of Python's standard library that people log: numbers, UUIDs, paths, addresses, loggers.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Form, call_of_text};
use crate::percent::float_repr;
use crate::wire::pickle::budget::Budget;
use crate::wire::pickle::integer::{self, Decimal};
use crate::wire::pickle::object::{Parts, State, short_text_of, text_of};
use crate::wire::pickle::value::{Heap, Item};

/// The text of an object that is a name and arguments.
pub(super) fn shown(
    heap: &Heap<'_>,
    module: &str,
    path: &str,
    args: &[Item],
    form: Form,
) -> Option<String> {
    let text = match (module, path, args) {
        ("decimal", "Decimal", [value]) => text_of(heap, *value)?.into_owned(),
        ("fractions", "Fraction", args) => return fraction(heap, args, form),
        ("pathlib", "PosixPath" | "PurePosixPath", args) => posix_path(heap, args)?,
        ("pathlib", "WindowsPath" | "PureWindowsPath", args) => windows_path(heap, args)?,
        ("ipaddress", _, [address]) => ip_address(heap, path, *address)?,
        ("logging", "getLogger", []) => return Some("<RootLogger root>".to_owned()),
        ("logging", "getLogger", [name]) => {
            return Some(format!("<Logger {}>", text_of(heap, *name)?));
        }
        _ => return None,
    };
    Some(if form == Form::Repr {
        call_of_text(path, &text)
    } else {
        text
    })
}

/// A UUID: its state is a dict that holds it as an integer.
pub(super) fn uuid(heap: &Heap<'_>, path: &str, parts: &Parts<'_>, form: Form) -> Option<String> {
    let State::Attributes(states) = parts.state else {
        return None;
    };
    if path != "UUID" || !parts.args.is_empty() {
        return None;
    }
    let mut value = None;
    for pair in states.concat_pairs()? {
        match &*short_text_of(heap, pair[0])? {
            "int" => value = integer::unsigned(heap, pair[1]),
            // Whether the system promised uniqueness: of no interest in a log.
            "is_safe" => {}
            _ => return None,
        }
    }
    let hex = format!("{:032x}", value?);
    let text = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-");
    Some(if form == Form::Repr {
        call_of_text("UUID", &text)
    } else {
        text
    })
}

/// The few pairs of a small state.
trait ConcatPairs {
    fn concat_pairs(&self) -> Option<Vec<[Item; 2]>>;
}

impl ConcatPairs for [&[Item]; 2] {
    fn concat_pairs(&self) -> Option<Vec<[Item; 2]>> {
        let items = self.iter().map(|items| items.len()).sum::<usize>();
        (items <= 8).then(|| {
            self.iter()
                .flat_map(|items| items.as_chunks().0)
                .copied()
                .collect()
        })
    }
}

/// The digits of an integer that is not too long to show.
fn digits(heap: &Heap<'_>, item: Item) -> Option<String> {
    match integer::decimal(heap, item, &mut Budget::of_frame(0))? {
        Decimal::Digits {
            negative: true,
            digits,
        } => Some(format!("-{digits}")),
        Decimal::Digits { digits, .. } => Some(digits.into_owned()),
        Decimal::Huge(_) => None,
    }
}

fn fraction(heap: &Heap<'_>, args: &[Item], form: Form) -> Option<String> {
    let (above, below) = match args {
        [text] => {
            let text = text_of(heap, *text)?;
            let (above, below) = text.split_once('/').unwrap_or((&text, "1"));
            (above.to_owned(), below.to_owned())
        }
        [above, below] => (digits(heap, *above)?, digits(heap, *below)?),
        _ => return None,
    };
    Some(match (form, &*below) {
        (Form::Repr, _) => format!("Fraction({above}, {below})"),
        (_, "1") => above,
        _ => format!("{above}/{below}"),
    })
}

/// Python's `str(complex)`.
pub(super) fn complex(real: f64, imaginary: f64) -> String {
    let short = |value: f64| {
        let mut text = String::new();
        float_repr(value, &mut text);
        if let Some(whole) = text.strip_suffix(".0") {
            text.truncate(whole.len());
        }
        text
    };
    let imaginary_text = short(imaginary);
    if real == 0.0 && real.is_sign_positive() {
        return format!("{imaginary_text}j");
    }
    let plus = if imaginary_text.starts_with('-') {
        ""
    } else {
        "+"
    };
    format!("({}{plus}{imaginary_text}j)", short(real))
}

fn texts(heap: &Heap<'_>, args: &[Item]) -> Option<Vec<String>> {
    args.iter()
        .map(|arg| text_of(heap, *arg).map(Cow::into_owned))
        .collect()
}

/// The arguments are the parts of the path (before Python 3.13) or what it was made from.
fn posix_path(heap: &Heap<'_>, args: &[Item]) -> Option<String> {
    let segments = texts(heap, args)?;
    let start = segments
        .iter()
        .rposition(|segment| segment.starts_with('/'))
        .unwrap_or(0);
    let joined = segments[start..].join("/");
    let first = segments.get(start).map_or("", |segment| segment);
    // POSIX leaves the meaning of exactly two leading slashes open, and so does Python.
    let root = match first.bytes().take_while(|byte| *byte == b'/').count() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut path = root.to_owned();
    let parts = joined.split('/');
    for part in parts.filter(|part| !part.is_empty() && *part != ".") {
        if path.len() > root.len() {
            path.push('/');
        }
        path.push_str(part);
    }
    Some(if path.is_empty() {
        ".".to_owned()
    } else {
        path
    })
}

fn windows_path(heap: &Heap<'_>, args: &[Item]) -> Option<String> {
    let mut path = String::new();
    for segment in texts(heap, args)? {
        let segment = segment.replace('/', "\\");
        let is_absolute = segment.starts_with('\\') || segment.as_bytes().get(1) == Some(&b':');
        if is_absolute {
            path.clear();
        } else if !path.is_empty() && !path.ends_with(['\\', ':']) {
            path.push('\\');
        }
        path.push_str(&segment);
    }
    Some(if path.is_empty() {
        ".".to_owned()
    } else {
        path
    })
}

/// Newer Pythons pickle an address by its text, older ones by its number.
fn ip_address(heap: &Heap<'_>, path: &str, address: Item) -> Option<String> {
    let number = || integer::unsigned(heap, address);
    match (path, address) {
        (
            "IPv4Address" | "IPv6Address" | "IPv4Network" | "IPv6Network" | "IPv4Interface"
            | "IPv6Interface",
            Item::Text(_),
        ) => text_of(heap, address).map(Cow::into_owned),
        ("IPv4Address", _) => Some(Ipv4Addr::from_bits(u32::try_from(number()?).ok()?).to_string()),
        ("IPv6Address", _) => Some(Ipv6Addr::from_bits(number()?).to_string()),
        _ => None,
    }
}
