//! Scalars and arrays of numpy.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _};

use super::{Form, Known, bytes_of, call, call_of_text, short_bytes_of, stdlib};
use crate::wire::pickle::object::{Parts, State, elements, sequence};
use crate::wire::pickle::value::{Heap, Item, Kind};

/// Recognises what `numpy.core.multiarray` and `numpy.core.numeric` would have made.
pub(super) fn known<'a>(
    heap: &Heap<'a>,
    path: &str,
    parts: &Parts<'a>,
    form: Form,
) -> Option<Known<'a>> {
    match (path, parts.args) {
        ("scalar", [dtype, value]) if parts.is_call() => {
            scalar(&Dtype::of(heap, *dtype)?, &bytes_of(heap, *value)?, form)
        }
        // The state: version, shape, type, whether it is in Fortran's order, the data.
        ("_reconstruct", _) => match parts.state {
            State::Other(state) => match sequence(heap, state)? {
                [_, shape, dtype, _, _] => array(heap, *shape, *dtype),
                _ => None,
            },
            _ => None,
        },
        ("_frombuffer", [_, dtype, shape, _]) => array(heap, *shape, *dtype),
        ("dtype", _) => {
            let name = Dtype::of_parts(heap, parts)?.name();
            let name = if form == Form::Repr {
                call_of_text("dtype", &name)
            } else {
                name
            };
            Some(Known::Text(name.into()))
        }
        _ => None,
    }
}

/// How many bytes a number has at most: two floats of 128 bits.
const MAX_NUMBER: usize = 32;

/// The type of a scalar or of an array's elements.
struct Dtype {
    /// numpy's letter: `f` for floats, `i`, `u`, `b`, `c`, `M`, `m`, `U`, `S`, `O`, `V`.
    kind: u8,
    /// Of one element, in bytes; in characters for `U`.
    size: usize,
    big_endian: bool,
    /// What `datetime64` and `timedelta64` count, and how many of it at a time.
    unit: Option<(String, i64)>,
}

impl Dtype {
    fn of(heap: &Heap<'_>, item: Item) -> Option<Dtype> {
        Dtype::of_parts(heap, &call(heap, item)?)
    }

    fn of_parts(heap: &Heap<'_>, parts: &Parts<'_>) -> Option<Dtype> {
        let is_dtype = parts
            .name
            .as_ref()
            .is_some_and(|name| name.module == "numpy" && name.path == "dtype");
        let (true, Some(code)) = (is_dtype, parts.args.first()) else {
            return None;
        };
        let code = short_bytes_of(heap, *code)?;
        let (&kind, size) = code.split_first()?;
        let State::Other(state) = parts.state else {
            return None;
        };
        let state = sequence(heap, state)?;
        Some(Dtype {
            kind,
            size: str::from_utf8(size).ok()?.parse::<u32>().ok()? as usize,
            big_endian: matches!(state.get(1), Some(order) if &*short_bytes_of(heap, *order)? == b">"),
            unit: state.get(8).and_then(|metadata| unit(heap, *metadata)),
        })
    }

    fn name(&self) -> String {
        let Dtype { kind, size, .. } = self;
        let unit = match &self.unit {
            Some((unit, 1)) => format!("[{unit}]"),
            Some((unit, count)) => format!("[{count}{unit}]"),
            None => String::new(),
        };
        match kind {
            b'b' => "bool".to_owned(),
            b'O' => "object".to_owned(),
            b'f' => format!("float{}", size * 8),
            b'i' => format!("int{}", size * 8),
            b'u' => format!("uint{}", size * 8),
            b'c' => format!("complex{}", size * 8),
            b'M' => format!("datetime64{unit}"),
            b'm' => format!("timedelta64{unit}"),
            kind => format!("{}{size}", char::from(*kind)),
        }
    }
}

/// The unit in the metadata of a type: `({}, (b'ns', 1, 1, 1))`.
fn unit(heap: &Heap<'_>, metadata: Item) -> Option<(String, i64)> {
    let [_, unit] = elements(heap, metadata, |kind| kind == Kind::Tuple)? else {
        return None;
    };
    let [name, Item::Int(count), ..] = sequence(heap, *unit)? else {
        return None;
    };
    let name = short_bytes_of(heap, *name)?;
    let name = str::from_utf8(&name).ok().filter(|name| name.len() <= 8)?;
    Some((name.to_owned(), *count))
}

fn array<'a>(heap: &Heap<'a>, shape: Item, dtype: Item) -> Option<Known<'a>> {
    let shape = sequence(heap, shape).filter(|shape| shape.len() <= 64)?;
    // First everything that may fail, since only what is shown is paid for.
    let dtype = Dtype::of(heap, dtype)?.name();
    if !shape.iter().all(|size| matches!(size, Item::Int(_))) {
        return None;
    }
    let mut text = "array(shape=(".to_owned();
    for (i, size) in shape.iter().enumerate() {
        let Item::Int(size) = size else { return None };
        let gap = if i == 0 { "" } else { ", " };
        write!(text, "{gap}{size}").ok()?;
    }
    let comma = if shape.len() == 1 { "," } else { "" };
    write!(text, "{comma}), dtype={dtype})").ok()?;
    Some(Known::Text(text.into()))
}

fn scalar<'a>(dtype: &Dtype, bytes: &[u8], form: Form) -> Option<Known<'a>> {
    if dtype.kind == b'S' {
        return Some(Known::Bytes(bytes.to_vec().into()));
    }
    let parts = if matches!(dtype.kind, b'c') { 2 } else { 1 };
    let width = if dtype.kind == b'U' {
        dtype.size.checked_mul(4)?
    } else {
        dtype.size
    };
    if bytes.len() != width || dtype.kind != b'U' && width > MAX_NUMBER {
        return None;
    }
    let mut bytes = bytes.to_vec();
    if dtype.big_endian {
        let element = if dtype.kind == b'U' {
            4
        } else {
            dtype.size / parts
        };
        bytes.chunks_mut(element.max(1)).for_each(<[u8]>::reverse);
    }
    match dtype.kind {
        b'b' => Some(Known::Plain(Item::Bool(bytes.first()? != &0))),
        b'i' => Some(Known::Plain(Item::Int(signed(&bytes)?))),
        b'u' => {
            let value = signed(&bytes)?.cast_unsigned() & (u64::MAX >> (64 - 8 * bytes.len()));
            Some(
                i64::try_from(value).map_or(Known::Unsigned(value), |v| Known::Plain(Item::Int(v))),
            )
        }
        b'f' => Some(Known::Plain(Item::Float(float(&bytes)?))),
        b'c' => {
            let (real, imaginary) = bytes.split_at(bytes.len() / 2);
            Some(Known::Text(
                stdlib::complex(float(real)?, float(imaginary)?).into(),
            ))
        }
        b'U' => {
            let chars = bytes
                .as_chunks()
                .0
                .iter()
                .map(|code| u32::from_le_bytes(*code));
            let text = chars.map(char::from_u32).collect::<Option<String>>()?;
            let text = text.trim_end_matches('\0');
            // Work must come to something in the output, and padding does not.
            let is_padded = bytes.len() > MAX_NUMBER + 8 * text.len();
            (!is_padded).then(|| Known::Str(text.to_owned()))
        }
        b'M' => moment(dtype, signed(&bytes)?, form),
        b'm' => duration(dtype, signed(&bytes)?, form),
        _ => None,
    }
}

/// A little-endian integer of at most 64 bits.
fn signed(bytes: &[u8]) -> Option<i64> {
    let negative = bytes.last()? & 0x80 != 0;
    let mut padded = [if negative { 0xFF } else { 0 }; 8];
    padded.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(padded))
}

/// A little-endian float. One of fewer than 64 bits becomes the float that shows the same digits, not all those of its exact
/// value: 0.1 and not 0.10000000149011612.
fn float(bytes: &[u8]) -> Option<f64> {
    match *bytes {
        [a, b] => Some(half(u16::from_le_bytes([a, b]))),
        [a, b, c, d] => {
            let value = f32::from_le_bytes([a, b, c, d]);
            if value.is_finite() {
                value.to_string().parse().ok()
            } else {
                Some(value.into())
            }
        }
        _ => Some(f64::from_le_bytes(bytes.try_into().ok()?)),
    }
}

/// A float of 16 bits: sign, five bits of exponent, ten of fraction.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f64::from(bits & 0x3FF));
    let (value, step) = match exponent {
        0x1F if fraction == 0.0 => return sign * f64::INFINITY,
        0x1F => return f64::NAN,
        0 => (fraction * 2_f64.powi(-24), 2_f64.powi(-24)),
        _ => (
            (1024.0 + fraction) * 2_f64.powi(exponent - 25),
            2_f64.powi(exponent - 25),
        ),
    };
    // Five digits tell any two of these apart; take the fewest that mean this one.
    let shortest = (0..5).find_map(|digits| {
        let shorter: f64 = format!("{value:.digits$e}").parse().ok()?;
        ((shorter - value).abs() < step / 2.0).then_some(shorter)
    });
    sign * shortest.unwrap_or(value)
}

/// How many nanoseconds a unit has.
fn nanoseconds(unit: &str) -> Option<(&'static str, i64, usize)> {
    Some(match unit {
        "W" => ("weeks", 604_800_000_000_000, 0),
        "D" => ("days", 86_400_000_000_000, 0),
        "h" => ("hours", 3_600_000_000_000, 0),
        "m" => ("minutes", 60_000_000_000, 0),
        "s" => ("seconds", 1_000_000_000, 0),
        "ms" => ("milliseconds", 1_000_000, 3),
        "us" => ("microseconds", 1_000, 6),
        "ns" => ("nanoseconds", 1, 9),
        _ => return None,
    })
}

/// A `datetime64`: ISO 8601, as precise as its unit.
fn moment<'a>(dtype: &Dtype, ticks: i64, form: Form) -> Option<Known<'a>> {
    let text = if ticks == i64::MIN {
        "NaT".to_owned()
    } else {
        let (unit, count) = dtype.unit.as_ref()?;
        let value = i128::from(ticks) * i128::from(*count);
        match &**unit {
            "Y" => format!("{:04}", 1970 + value),
            "M" => format!(
                "{:04}-{:02}",
                1970 + value.div_euclid(12),
                value.rem_euclid(12) + 1
            ),
            unit => {
                let (_, size, decimals) = nanoseconds(unit)?;
                let nanos = value.checked_mul(i128::from(size))?;
                let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
                let nanos = u32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?;
                let at = DateTime::from_timestamp(seconds, nanos)?;
                at.year()
                    .try_into()
                    .ok()
                    .filter(|year: &u16| *year <= 9999)?;
                let whole = match unit {
                    "W" | "D" => "%Y-%m-%d",
                    "h" => "%Y-%m-%dT%H",
                    "m" => "%Y-%m-%dT%H:%M",
                    _ => "%Y-%m-%dT%H:%M:%S",
                };
                let mut text = at.format(whole).to_string();
                if decimals > 0 {
                    write!(text, ".{}", &format!("{nanos:09}")[..decimals]).ok()?;
                }
                text
            }
        }
    };
    let text = if form == Form::Repr {
        call_of_text("numpy.datetime64", &text)
    } else {
        text
    };
    Some(Known::Text(text.into()))
}

/// A `timedelta64`: so many of its unit.
fn duration<'a>(dtype: &Dtype, ticks: i64, form: Form) -> Option<Known<'a>> {
    if ticks == i64::MIN {
        return Some(Known::Text("NaT".into()));
    }
    let (unit, count) = dtype.unit.as_ref()?;
    let value = i128::from(ticks) * i128::from(*count);
    Some(Known::Text(match (form, &**unit) {
        (Form::Repr, unit) => format!("numpy.timedelta64({value},'{unit}')").into(),
        (_, "Y") => format!("{value} years").into(),
        (_, "M") => format!("{value} months").into(),
        (_, unit) => format!("{value} {}", nanoseconds(unit)?.0).into(),
    }))
}
