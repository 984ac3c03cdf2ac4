//! One conversion of a `%` format, and texts and integers written with it.

use super::float;

/// One conversion of a `%` format, as Python's `str % ...` reads it.
///
/// Every `put_…` takes every conversion, as Python does where it can: an integer under `%f` is written as a float, a float
/// under `%d` loses its fraction, anything goes under `%s`. Where Python refuses (a text under `%d`) the value is written as
/// a text, since a log that says something beats one that says nothing.
#[expect(
    clippy::struct_excessive_bools,
    reason = "five flags that Python has, free to combine"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Spec {
    /// `-`: the value stands on the left of its width.
    pub(crate) left: bool,
    /// `+`: a sign also before positive numbers.
    pub(crate) plus: bool,
    /// A blank before positive numbers.
    pub(crate) space: bool,
    /// `0`: a number is filled up with zeros.
    pub(crate) zero: bool,
    /// `#`: `0x` and `0o` before the digits, a decimal point in every float.
    pub(crate) alternate: bool,
    /// At least this many characters.
    pub(crate) width: Option<usize>,
    /// Digits after the point, at least this many digits of an integer, or at most this many characters of a text.
    pub(crate) precision: Option<usize>,
    /// The letter at the end.
    pub(crate) conversion: char,
}

impl Spec {
    /// A text, cut to the precision and padded to the width, both counted in characters.
    pub(crate) fn put_str(&self, text: &str, out: &mut String) {
        let text = match self.precision {
            Some(precision) if matches!(self.conversion, 's' | 'r' | 'a') => {
                let end = text
                    .char_indices()
                    .nth(precision)
                    .map_or(text.len(), |(at, _)| at);
                &text[..end]
            }
            _ => text,
        };
        self.pad(text, out);
    }

    /// One character.
    pub(crate) fn put_char(&self, c: char, out: &mut String) {
        self.pad(c.encode_utf8(&mut [0; 4]), out);
    }

    /// An integer.
    pub(crate) fn put_int(&self, value: i128, out: &mut String) {
        let size = value.unsigned_abs();
        let (prefix, digits) = match self.conversion {
            'x' => ("0x", format!("{size:x}")),
            'X' => ("0X", format!("{size:X}")),
            'o' => ("0o", format!("{size:o}")),
            'c' => {
                let c = u32::try_from(value).ok().and_then(char::from_u32);
                return match c {
                    Some(c) => self.put_char(c, out),
                    None => self.pad(&value.to_string(), out),
                };
            }
            _ => return self.put_big(value < 0, &size.to_string(), out),
        };
        let prefix = if self.alternate { prefix } else { "" };
        self.put_digits(value < 0, prefix, &digits, out);
    }

    /// An integer of any size by its decimal digits. Under `%x` and `%o` too they are written as they are, decimal.
    pub(crate) fn put_big(&self, negative: bool, digits: &str, out: &mut String) {
        match self.conversion {
            's' | 'r' | 'a' | 'c' => {
                self.put_str(&format!("{}{digits}", if negative { "-" } else { "" }), out);
            }
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                let size: f64 = digits.parse().unwrap_or(f64::NAN);
                self.put_float(if negative { -size } else { size }, out);
            }
            _ => self.put_digits(negative, "", digits, out),
        }
    }

    /// A float: default precision 6, exponents of at least two digits, `inf` and `nan`.
    pub(crate) fn put_float(&self, value: f64, out: &mut String) {
        let mut text = String::new();
        match self.conversion {
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                float::put_size(self, value.abs(), &mut text);
                self.put_number(value.is_sign_negative() && !value.is_nan(), "", &text, out);
            }
            'd' | 'i' | 'u' if value.is_finite() => {
                let digits = format!("{:.0}", value.trunc().abs());
                self.put_digits(value <= -1.0, "", &digits, out);
            }
            _ => {
                float::float_repr(value, &mut text);
                self.put_str(&text, out);
            }
        }
    }

    /// An integer's digits, at least as many as the precision says.
    fn put_digits(&self, negative: bool, prefix: &str, digits: &str, out: &mut String) {
        let missing = self.precision.unwrap_or(0).saturating_sub(digits.len());
        if missing == 0 {
            self.put_number(negative, prefix, digits, out);
        } else {
            self.put_number(negative, prefix, &("0".repeat(missing) + digits), out);
        }
    }

    /// Sign, prefix and the ASCII rest of a number. `CPython` fills with zeros also beside a precision and before `inf`.
    fn put_number(&self, negative: bool, prefix: &str, rest: &str, out: &mut String) {
        let sign = match (negative, self.plus, self.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        };
        let len = sign.len() + prefix.len() + rest.len();
        let missing = self.width.unwrap_or(0).saturating_sub(len);
        let fill = |with: char, out: &mut String| out.extend(std::iter::repeat_n(with, missing));
        if !self.left && !self.zero {
            fill(' ', out);
        }
        out.push_str(sign);
        out.push_str(prefix);
        if !self.left && self.zero {
            fill('0', out);
        }
        out.push_str(rest);
        if self.left {
            fill(' ', out);
        }
    }

    fn pad(&self, text: &str, out: &mut String) {
        let missing = match self.width {
            // The length in characters is at most that in bytes, but counting them is what costs.
            Some(width) => width.saturating_sub(text.chars().count()),
            None => 0,
        };
        let blanks = std::iter::repeat_n(' ', missing);
        if self.left {
            out.push_str(text);
            out.extend(blanks);
        } else {
            out.extend(blanks);
            out.push_str(text);
        }
    }
}
