//! Python's `%` formatting: what a format asks for, and values written as `str % ...`, `repr` and `ascii` write them.

mod float;
mod repr;
mod spec;

pub(crate) use float::float_repr;
pub(crate) use repr::{bytes_repr, put_ascii, put_hex, put_quoted, quote_for, str_repr};
pub(crate) use spec::Spec;

/// The widest field and the longest precision that are taken. A format may come over the wire, and must not be able to ask
/// for gigabytes of blanks.
const MAX_FIELD: usize = 10_000;

/// One part of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Text that stands for itself.
    Literal(&'a str),
    /// `%%`, one percent sign. As in Python, flags and widths between the two mean nothing.
    Percent,
    /// A value: of this key, or the next one when there is no key.
    Field { key: Option<&'a str>, spec: Spec },
}

/// Why a text is no format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormatError {
    pub(crate) reason: String,
    /// Offset in bytes of what is wrong.
    pub(crate) at: usize,
}

/// Reads a format as `CPython` does: a key in balanced parentheses, flags, width, precision, one length modifier without a
/// meaning, conversion.
pub(crate) fn parse(format: &str) -> Result<Vec<Piece<'_>>, FormatError> {
    let mut pieces = Vec::new();
    let mut parser = Parser { format, at: 0 };
    while parser.at < format.len() {
        let rest = &format[parser.at..];
        let literal = rest.find('%').unwrap_or(rest.len());
        if literal > 0 {
            pieces.push(Piece::Literal(&rest[..literal]));
        }
        parser.at += literal;
        if literal < rest.len() {
            parser.at += 1;
            pieces.push(parser.conversion()?);
        }
    }
    Ok(pieces)
}

struct Parser<'a> {
    format: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.format.as_bytes().get(self.at).copied()
    }

    fn error<T>(&self, reason: impl Into<String>) -> Result<T, FormatError> {
        Err(FormatError {
            reason: reason.into(),
            at: self.at,
        })
    }

    /// What follows a percent sign.
    fn conversion(&mut self) -> Result<Piece<'a>, FormatError> {
        let key = if self.peek() == Some(b'(') {
            Some(self.key()?)
        } else {
            None
        };
        let mut spec = Spec::default();
        while let Some(flag) = self.peek() {
            match flag {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                b'0' => spec.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        spec.width = self.number()?;
        if self.peek() == Some(b'.') {
            self.at += 1;
            spec.precision = Some(self.number()?.unwrap_or(0));
        }
        if matches!(self.peek(), Some(b'h' | b'l' | b'L')) {
            self.at += 1;
        }
        let Some(conversion) = self.format[self.at..].chars().next() else {
            return self.error("the conversion is missing");
        };
        if !"diuoxXeEfFgGcrsa%".contains(conversion) {
            return self.error(format!(
                "{conversion:?} is no conversion, use s for text, d for an integer or f for a fraction"
            ));
        }
        self.at += 1;
        spec.conversion = conversion;
        Ok(if conversion == '%' {
            Piece::Percent
        } else {
            Piece::Field { key, spec }
        })
    }

    /// A key with the parenthesis that opens it; pairs of parentheses within belong to it.
    fn key(&mut self) -> Result<&'a str, FormatError> {
        let start = self.at + 1;
        let mut depth = 0_usize;
        for (i, byte) in self.format.bytes().enumerate().skip(self.at) {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at = i + 1;
                return Ok(&self.format[start..i]);
            }
        }
        self.error("this parenthesis is never closed")
    }

    /// A width or a precision; `None` when there is none.
    fn number(&mut self) -> Result<Option<usize>, FormatError> {
        if self.peek() == Some(b'*') {
            return self.error("a width from the arguments (*) cannot be used, write a number");
        }
        let rest = &self.format[self.at..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Ok(None);
        }
        match rest[..digits].parse() {
            Ok(number) if number <= MAX_FIELD => {
                self.at += digits;
                Ok(Some(number))
            }
            _ => self.error(format!("a width or precision is at most {MAX_FIELD}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(key: Option<&str>, spec: Spec) -> Piece<'_> {
        Piece::Field { key, spec }
    }

    #[test]
    fn a_format_is_literals_and_fields() {
        let s = Spec {
            conversion: 's',
            ..Spec::default()
        };
        assert_eq!(
            parse("é %s 100%% %(a(b)c)s").unwrap(),
            [
                Piece::Literal("é "),
                field(None, s),
                Piece::Literal(" 100"),
                Piece::Percent,
                Piece::Literal(" "),
                field(Some("a(b)c"), s),
            ]
        );
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn flags_width_precision_and_a_length_modifier_are_read() {
        let spec = Spec {
            left: true,
            plus: true,
            space: true,
            zero: true,
            alternate: true,
            width: Some(12),
            precision: Some(3),
            conversion: 'f',
        };
        assert_eq!(parse("%-+ 0#12.3lf").unwrap(), [field(None, spec)]);
        let spec = Spec {
            precision: Some(0),
            conversion: 'g',
            ..Spec::default()
        };
        assert_eq!(parse("%.g").unwrap(), [field(None, spec)]);
        assert_eq!(parse("%-5.1%").unwrap(), [Piece::Percent]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (format, at, reason) in [
            ("100%", 4, "the conversion is missing"),
            ("a %(name", 3, "this parenthesis is never closed"),
            (
                "a %y",
                3,
                "'y' is no conversion, use s for text, d for an integer or f for a fraction",
            ),
            (
                "%✓",
                1,
                "'✓' is no conversion, use s for text, d for an integer or f for a fraction",
            ),
            (
                "%lld",
                2,
                "'l' is no conversion, use s for text, d for an integer or f for a fraction",
            ),
            (
                "%*d",
                1,
                "a width from the arguments (*) cannot be used, write a number",
            ),
            (
                "%.*f",
                2,
                "a width from the arguments (*) cannot be used, write a number",
            ),
            ("%10001d", 1, "a width or precision is at most 10000"),
            (
                "%.99999999999999999999f",
                2,
                "a width or precision is at most 10000",
            ),
        ] {
            assert_eq!(
                parse(format),
                Err(FormatError {
                    reason: reason.into(),
                    at
                }),
                "{format}"
            );
        }
    }

    #[test]
    fn a_float_alone_is_written_as_python_shows_it() {
        for (value, expected) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e16, "1e+16"),
            (1e-5, "1e-05"),
        ] {
            let mut out = String::new();
            float_repr(value, &mut out);
            assert_eq!(out, expected);
        }
    }

    /// What `tests/fixtures/percent.py` wrote: format, kind of value, value, and what `CPython` made of them.
    #[test]
    fn every_case_of_cpython_comes_out_the_same() {
        let table = include_str!("../../tests/fixtures/percent.jsonl");
        for line in table.lines() {
            let [format, kind, value, expected]: [String; 4] = serde_json::from_str(line).unwrap();
            let pieces = parse(&format).unwrap();
            let [Piece::Field { spec, .. }] = pieces[..] else {
                panic!("{line}")
            };
            let mut out = String::new();
            match kind.as_str() {
                "int" => spec.put_int(value.parse().unwrap(), &mut out),
                "big" => {
                    let digits = value.trim_start_matches('-');
                    spec.put_big(value.starts_with('-'), digits, &mut out);
                }
                "float" => spec.put_float(value.parse().unwrap(), &mut out),
                "char" => spec.put_char(value.parse().unwrap(), &mut out),
                _ => spec.put_str(&value, &mut out),
            }
            assert_eq!(out, expected, "{line}");
        }
        assert!(table.lines().count() > 500);
    }
}
