//! STRUCTURED-DATA of RFC 5424 (6.3) as JSON: an object of objects.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;

use crate::wire::escape::put_json_string;
use crate::wire::text::text;

/// One parameter, or an element that has none: places in the text that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Param {
    id: Range<usize>,
    /// Name and value.
    pair: Option<(Range<usize>, Range<usize>)>,
}

/// The most parameters and elements that are read: each is compared with all others. Beyond it the whole stays text.
const MAX_PARAMS: usize = 128;

/// Reads the elements that a text begins with, and gives what comes behind them: nothing, or what begins with a space. `None` when
/// they are not sound; there are no parameters then.
pub(super) fn read<'t>(text: &'t [u8], params: &mut Vec<Param>) -> Option<&'t [u8]> {
    params.clear();
    let mut reader = Reader { text, at: 0 };
    let sound = reader.elements(params);
    if sound.is_none() {
        params.clear();
    }
    sound.map(|()| &text[reader.at..])
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn elements(&mut self, params: &mut Vec<Param>) -> Option<()> {
        while self.take(b'[') {
            let id = self.name()?;
            let before = params.len();
            loop {
                let spaces = self.spaces();
                if self.take(b']') {
                    break;
                }
                let name = self.name().filter(|_| spaces > 0)?;
                if !self.take(b'=') || !self.take(b'"') {
                    return None;
                }
                let pair = Some((name, self.value()?));
                let id = id.clone();
                params.push(Param { id, pair });
                if params.len() > MAX_PARAMS {
                    return None;
                }
            }
            if params.len() == before {
                params.push(Param { id, pair: None });
            }
            if params.len() > MAX_PARAMS {
                return None;
            }
        }
        matches!(self.peek(), None | Some(b' ')).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn spaces(&mut self) -> usize {
        let start = self.at;
        while self.take(b' ') {}
        self.at - start
    }

    /// The name of an element or a parameter; longer ones than the 32 characters of the RFC are in use.
    fn name(&mut self) -> Option<Range<usize>> {
        let ends = |byte: &u8| byte.is_ascii_control() || matches!(byte, b' ' | b'=' | b']' | b'"');
        let start = self.at;
        self.at += self.text[start..].iter().position(ends)?;
        (self.at > start).then_some(start..self.at)
    }

    /// The inside of a text in quotes, and its end.
    fn value(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        loop {
            self.at += memchr2(b'"', b'\\', self.text.get(self.at..)?)?;
            if self.take(b'"') {
                return Some(start..self.at - 1);
            }
            self.at += 2;
        }
    }
}

/// Adds the object of what [`read`] found in this text. A parameter that comes more than once is an array.
pub(super) fn put(source: &[u8], params: &[Param], out: &mut String) {
    let id = |param: &Param| &source[param.id.clone()];
    let name = |param: &Param| Some(&source[param.pair.as_ref()?.0.clone()]);
    out.push('{');
    for (i, first) in params.iter().enumerate() {
        if params[..i].iter().any(|before| id(before) == id(first)) {
            continue;
        }
        put_key(id(first), out);
        out.push('{');
        let of_id = |param: &&Param| id(param) == id(first) && param.pair.is_some();
        for (j, param) in params.iter().enumerate().skip(i) {
            let named = |other: &&Param| of_id(other) && name(other) == name(param);
            if !of_id(&param) || params[i..j].iter().any(|before| named(&before)) {
                continue;
            }
            put_key(name(param).unwrap_or_default(), out);
            let values = params[j..].iter().filter(named);
            let pairs = values.filter_map(|param| param.pair.as_ref());
            put_values(pairs.map(|(_, value)| &source[value.clone()]), out);
        }
        out.push('}');
    }
    out.push('}');
}

/// Adds a key behind what stands before it.
fn put_key(key: &[u8], out: &mut String) {
    if !out.ends_with('{') {
        out.push(',');
    }
    put_json_string(&text(key), out);
    out.push(':');
}

/// Adds one value, or an array of several.
fn put_values<'t>(values: impl Iterator<Item = &'t [u8]>, out: &mut String) {
    let start = out.len();
    let mut count = 0;
    for value in values {
        if count > 0 {
            out.push(',');
        }
        put_json_string(&text(&unescaped(value)), out);
        count += 1;
    }
    if count > 1 {
        out.insert(start, '[');
        out.push(']');
    }
}

/// The value that is meant: a backslash escapes `"`, `\` and `]`, and stands for itself before anything else.
fn unescaped(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let escaped = bytes.next_if(|next| byte == b'\\' && matches!(next, b'"' | b'\\' | b']'));
        out.push(escaped.unwrap_or(byte));
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The JSON of a text, and what comes behind it.
    fn json(source: &str) -> Option<(String, &str)> {
        let mut params = Vec::new();
        let rest = read(source.as_bytes(), &mut params)?;
        let mut out = String::new();
        put(source.as_bytes(), &params, &mut out);
        Some((out, str::from_utf8(rest).unwrap()))
    }

    #[test]
    fn elements_become_objects() {
        for (source, expected, rest) in [
            (
                r#"[exampleSDID@32473 iut="3" eventSource="Application"][b x="é"] m"#,
                r#"{"exampleSDID@32473":{"iut":"3","eventSource":"Application"},"b":{"x":"é"}}"#,
                " m",
            ),
            ("[id]", r#"{"id":{}}"#, ""),
            (r#"[id  a="" ]"#, r#"{"id":{"a":""}}"#, ""),
            (
                r#"[o ip="::1" ip="::2" n="x" ip="::3"]"#,
                r#"{"o":{"ip":["::1","::2","::3"],"n":"x"}}"#,
                "",
            ),
            (
                r#"[a x="1"][b x="2"][a x="3"][a]"#,
                r#"{"a":{"x":["1","3"]},"b":{"x":"2"}}"#,
                "",
            ),
            (
                r#"[a q="\"\\\]\n]" z="C:\dir"]"#,
                r#"{"a":{"q":"\"\\]\\n]","z":"C:\\dir"}}"#,
                "",
            ),
        ] {
            assert_eq!(json(source), Some((expected.to_owned(), rest)));
        }
    }

    #[test]
    fn what_is_not_sound_is_left_alone() {
        for source in [
            "[",
            "[]",
            "[a",
            "[a b]",
            "[a b=]",
            "[a b=\"",
            "[a b=\"\\",
            "[a b=\"\\\"]",
            "[a]x",
            "[a b=\"c\"d=\"e\"]",
            "[a\nb c=\"d\"]",
        ] {
            assert_eq!(json(source), None, "{source}");
        }
        let many = |count: usize| format!("[a{}]", " b=\"\"".repeat(count));
        assert!(json(&many(MAX_PARAMS)).is_some());
        assert_eq!(json(&many(MAX_PARAMS + 1)), None);
    }
}
