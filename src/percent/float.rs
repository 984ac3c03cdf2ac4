//! The digits of floats as Python writes them.

use std::fmt::Write as _;

use super::Spec;

/// Python's `repr(float)`: the shortest digits that read back as the same number, with an exponent below 1e-4 and from 1e16.
pub(crate) fn float_repr(value: f64, out: &mut String) {
    if !value.is_finite() {
        out.push_str(if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        });
        return;
    }
    let size = value.abs();
    let written = if size != 0.0 && !(1e-4..1e16).contains(&size) {
        put_exponent(&format!("{value:e}"), false, out);
        Ok(())
    } else {
        write!(out, "{value:?}")
    };
    written.expect("a String takes everything");
}

/// A float without its sign under one of the conversions `e E f F g G`.
pub(super) fn put_size(spec: &Spec, size: f64, out: &mut String) {
    let upper = spec.conversion.is_ascii_uppercase();
    if !size.is_finite() {
        out.push_str(match (size.is_nan(), upper) {
            (true, false) => "nan",
            (true, true) => "NAN",
            (false, false) => "inf",
            (false, true) => "INF",
        });
        return;
    }
    let precision = spec.precision.unwrap_or(6);
    match spec.conversion.to_ascii_lowercase() {
        'e' => {
            let text = format!("{size:.precision$e}");
            let (mantissa, exponent) = split(&text);
            put_scientific(&with_point(mantissa, spec), exponent, upper, out);
        }
        'f' => out.push_str(&with_point(&format!("{size:.precision$}"), spec)),
        _ => put_general(spec, size, precision.max(1), upper, out),
    }
}

/// `%g`: so many significant digits, with an exponent when it is below -4 or not below that many.
fn put_general(spec: &Spec, size: f64, significant: usize, upper: bool, out: &mut String) {
    let text = format!("{size:.*e}", significant - 1);
    // The exponent after rounding decides: 9.9999999 is 1e+01 at two digits.
    let (mantissa, exponent) = split(&text);
    let power: i64 = exponent.parse().expect("Rust writes a decimal exponent");
    let decimals = i64::try_from(significant).unwrap_or(i64::MAX) - 1 - power;
    if power >= -4 && decimals >= 0 {
        let decimals = usize::try_from(decimals).expect("checked not to be negative");
        out.push_str(&trimmed(&format!("{size:.decimals$}"), spec));
    } else {
        put_scientific(&trimmed(mantissa, spec), exponent, upper, out);
    }
}

/// The digits with a decimal point, when `#` asks for one that is not there.
fn with_point(digits: &str, spec: &Spec) -> String {
    let mut digits = digits.to_owned();
    if spec.alternate && !digits.contains('.') {
        digits.push('.');
    }
    digits
}

/// The digits without zeros at the end of the fraction, unless `#` keeps them.
fn trimmed(digits: &str, spec: &Spec) -> String {
    if spec.alternate || !digits.contains('.') {
        return with_point(digits, spec);
    }
    digits
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

/// Mantissa and exponent of what Rust writes for `{:e}`.
fn split(text: &str) -> (&str, &str) {
    text.split_once('e').expect("Rust writes an exponent")
}

/// What Rust writes for `{:e}` with the exponent as C writes it.
fn put_exponent(text: &str, upper: bool, out: &mut String) {
    let (mantissa, exponent) = split(text);
    put_scientific(mantissa, exponent, upper, out);
}

/// A sign always, and two digits at least.
fn put_scientific(mantissa: &str, exponent: &str, upper: bool, out: &mut String) {
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    out.push_str(mantissa);
    out.push(if upper { 'E' } else { 'e' });
    out.push(sign);
    if digits.len() < 2 {
        out.push('0');
    }
    out.push_str(digits);
}
