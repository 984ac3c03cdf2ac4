//! JSON read in one pass: where the members of an object begin and end, without a tree of values.
//!
//! Takes what RFC 8259 has, and three things more that clients write: `NaN` and the infinities (Python), escapes `\xHH` (nginx), and
//! escapes of half a surrogate pair (Python).

/// How deep arrays and objects may nest, the outermost included. Readers of the extra fields go no deeper.
pub(super) const MAX_DEPTH: u32 = 127;

/// A run of the text, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// What it holds.
    pub(super) fn of(self, text: &str) -> &str {
        &text[self.start as usize..self.end as usize]
    }
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    Array,
    Object,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// Without escapes.
    Plain,
    /// With escapes.
    Escaped,
    /// With something that JSON lacks, or that its readers do not keep: it has to be written anew.
    Loose,
}

/// A value where it lies; a text with its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value {
    pub(super) span: Span,
    pub(super) kind: Kind,
    pub(super) form: Form,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: &'static str,
    /// Offset in bytes.
    pub(super) at: usize,
}

/// Walks over a text, which has less than 4 GiB.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// The bytes of a text that are more than themselves: its end, escapes, and what may not stand there.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        special[byte] = true;
        byte += 1;
    }
    special[b'"' as usize] = true;
    special[b'\\' as usize] = true;
    special
};

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scanner { text, at: 0 }
    }

    /// A scanner that stands at the beginning of this value.
    pub(super) fn at(text: &'a str, value: Span) -> Self {
        Scanner {
            text,
            at: value.start as usize,
        }
    }

    /// Gives the members of the object that begins here, one after the other: key (without its quotes) and value.
    pub(super) fn members(
        &mut self,
        mut each: impl FnMut(Span, Form, Value) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.space();
        if self.peek() != b'{' {
            return Err(self.fault("an object begins with {"));
        }
        self.at += 1;
        self.space();
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let (key, form) = self.key()?;
            each(key, form, self.value()?)?;
            self.space();
            match self.peek() {
                b',' => self.at += 1,
                b'}' => break,
                _ => return Err(self.fault("a comma or } is missing")),
            }
            self.space();
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.space();
        if self.at < self.text.len() {
            return Err(self.fault("something follows the object"));
        }
        Ok(())
    }

    /// The byte here; 0 at the end, which no text may hold either.
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn fault(&self, reason: &'static str) -> Fault {
        let reason = if self.at >= self.text.len() {
            "the text ends too early"
        } else {
            reason
        };
        Fault {
            reason,
            at: self.at.min(self.text.len()),
        }
    }

    fn span(&self, start: usize) -> Span {
        let narrow = |at| u32::try_from(at).expect("a message has less than 4 GiB");
        Span {
            start: narrow(start),
            end: narrow(self.at),
        }
    }

    /// A key, its colon and the white space behind.
    fn key(&mut self) -> Result<(Span, Form), Fault> {
        if self.peek() != b'"' {
            return Err(self.fault("a key begins with \""));
        }
        let start = self.at + 1;
        let form = self.string()?;
        let mut key = self.span(start);
        key.end -= 1;
        self.space();
        if self.peek() != b':' {
            return Err(self.fault("a colon is missing"));
        }
        self.at += 1;
        self.space();
        Ok((key, form))
    }

    /// The value of a member of the outermost object.
    fn value(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        let kind = match self.peek() {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::Text,
            b't' | b'f' => Kind::Bool,
            b'n' => Kind::Null,
            _ => Kind::Number,
        };
        let form = match kind {
            Kind::Object | Kind::Array => self.nested()?,
            _ => self.scalar()?,
        };
        Ok(Value {
            span: self.span(start),
            kind,
            form,
        })
    }

    /// An array or object with all that is in it, without recursion.
    fn nested(&mut self) -> Result<Form, Fault> {
        // One bit for each that is open, the innermost last: whether it is an object.
        let mut objects = 0_u128;
        let mut depth = 1;
        let mut form = Form::Plain;
        loop {
            if let open @ (b'{' | b'[') = self.peek() {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(self.fault("more than 127 arrays and objects are nested"));
                }
                objects = objects << 1 | u128::from(open == b'{');
                self.at += 1;
                self.space();
                if self.peek() != closing(objects) {
                    if open == b'{' {
                        form = form.max(self.key()?.1);
                    }
                    continue;
                }
            } else {
                form = form.max(self.scalar()?);
                self.space();
            }
            // Here a value has ended, or an empty one is about to.
            while self.peek() == closing(objects) {
                self.at += 1;
                objects >>= 1;
                depth -= 1;
                if depth == 1 {
                    return Ok(form);
                }
                self.space();
            }
            if self.peek() != b',' {
                return Err(self.fault("a comma or a closing bracket is missing"));
            }
            self.at += 1;
            self.space();
            if objects & 1 == 1 {
                form = form.max(self.key()?.1);
            }
        }
    }

    fn scalar(&mut self) -> Result<Form, Fault> {
        match self.peek() {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' | b'N' | b'I' => self.number(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => Err(self.fault("a value is missing")),
        }
    }

    fn word(&mut self, word: &str) -> Result<Form, Fault> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fault("a value is missing"));
        }
        self.at += word.len();
        Ok(Form::Plain)
    }

    fn string(&mut self) -> Result<Form, Fault> {
        let bytes = self.text.as_bytes();
        let mut form = Form::Plain;
        self.at += 1;
        loop {
            let plain = bytes[self.at..]
                .iter()
                .position(|byte| SPECIAL[*byte as usize]);
            self.at += plain.unwrap_or(bytes.len() - self.at);
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Ok(form);
                }
                b'\\' => form = form.max(self.escape()?),
                _ => return Err(self.fault("a control character is not escaped")),
            }
        }
    }

    /// One escape; the halves of a surrogate pair are one.
    fn escape(&mut self) -> Result<Form, Fault> {
        let bytes = &self.text.as_bytes()[self.at..];
        let (length, form) = match bytes.get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => (2, Form::Escaped),
            Some(b'u') => match hex(bytes, 2, 4) {
                Some(0xD800..0xDC00) if is_low_surrogate(&bytes[6..]) => (12, Form::Escaped),
                Some(0xD800..0xE000) => (6, Form::Loose),
                Some(_) => (6, Form::Escaped),
                None => return Err(self.fault("an escape \\u lacks four hex digits")),
            },
            Some(b'x') if hex(bytes, 2, 2).is_some() => (4, Form::Loose),
            _ => return Err(self.fault("an escape is none of JSON's")),
        };
        self.at += length;
        Ok(form)
    }

    fn number(&mut self) -> Result<Form, Fault> {
        let start = self.at;
        if self.peek() == b'-' {
            self.at += 1;
        }
        match self.peek() {
            b'N' if self.at == start => return self.word("NaN").and(Ok(Form::Loose)),
            b'I' => return self.word("Infinity").and(Ok(Form::Loose)),
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        let integer = !matches!(self.peek(), b'.' | b'e' | b'E');
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        // Most numbers are too short to be out of anything's range.
        let kept = (text.len() < 19 && !text.contains(['e', 'E']))
            || if integer {
                text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok()
            } else {
                text.parse().is_ok_and(f64::is_finite)
            };
        Ok(if kept { Form::Plain } else { Form::Loose })
    }

    fn digits(&mut self) -> Result<(), Fault> {
        if !self.peek().is_ascii_digit() {
            return Err(self.fault("a digit is missing"));
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }
}

/// The bracket that closes the innermost.
fn closing(objects: u128) -> u8 {
    if objects & 1 == 1 { b'}' } else { b']' }
}

/// The number that so many hex digits from here on make.
pub(super) fn hex(bytes: &[u8], start: usize, digits: usize) -> Option<u32> {
    let digits = str::from_utf8(bytes.get(start..start + digits)?).ok()?;
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

/// Whether the bytes begin with the escape of a second half of a pair.
pub(super) fn is_low_surrogate(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\\u") && matches!(hex(bytes, 2, 4), Some(0xDC00..0xE000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(text: &str) -> Result<Vec<(String, String, Kind, Form)>, Fault> {
        let mut found = Vec::new();
        let mut scanner = Scanner::new(text);
        scanner.members(|key, _, value| {
            let raw = value.span.of(text).to_owned();
            found.push((key.of(text).to_owned(), raw, value.kind, value.form));
            Ok(())
        })?;
        scanner.end()?;
        Ok(found)
    }

    #[test]
    fn every_kind_of_value_is_found_with_its_form() {
        for (value, kind, form) in [
            ("null", Kind::Null, Form::Plain),
            ("true", Kind::Bool, Form::Plain),
            ("-0.5e+7", Kind::Number, Form::Plain),
            ("18446744073709551615", Kind::Number, Form::Plain),
            ("18446744073709551616", Kind::Number, Form::Loose),
            ("1e999", Kind::Number, Form::Loose),
            ("NaN", Kind::Number, Form::Loose),
            ("-Infinity", Kind::Number, Form::Loose),
            (r#""grüße""#, Kind::Text, Form::Plain),
            (r#""\"\u00e9\ud83d\ude00""#, Kind::Text, Form::Escaped),
            (r#""\x22""#, Kind::Text, Form::Loose),
            (r#""\udc80""#, Kind::Text, Form::Loose),
            (r#""\ud83d\u0041""#, Kind::Text, Form::Loose),
            ("[]", Kind::Array, Form::Plain),
            (
                r#"[[{} , [ ]],{"a":[1,"\n"]}, {"\t" : 2}]"#,
                Kind::Array,
                Form::Escaped,
            ),
            (r#"{"a":{"b":[NaN]}}"#, Kind::Object, Form::Loose),
        ] {
            let text = format!(" {{\t\"k\" : {value} , \"l\":0}}\r\n");
            let found = scanned(&text).unwrap();
            assert_eq!(found.len(), 2, "{text}");
            assert_eq!(found[0], ("k".into(), value.into(), kind, form));
        }
        assert_eq!(scanned("{ }"), Ok(vec![]));
    }

    #[test]
    fn what_is_no_json_is_said_with_its_place() {
        for (text, at, reason) in [
            ("", 0, "the text ends too early"),
            ("hello", 0, "an object begins with {"),
            ("[1]", 0, "an object begins with {"),
            ("{", 1, "the text ends too early"),
            ("{a:1}", 1, "a key begins with \""),
            ("{\"a\" 1}", 5, "a colon is missing"),
            ("{\"a\":}", 5, "a value is missing"),
            ("{\"a\":+1}", 5, "a value is missing"),
            ("{\"a\":01}", 6, "a comma or } is missing"),
            ("{\"a\":1.}", 7, "a digit is missing"),
            ("{\"a\":-}", 6, "a digit is missing"),
            ("{\"a\":-NaN}", 6, "a digit is missing"),
            ("{\"a\":1e}", 7, "a digit is missing"),
            ("{\"a\":tru}", 5, "a value is missing"),
            ("{\"a\":\"x", 7, "the text ends too early"),
            ("{\"a\":\"x\ty\"}", 7, "a control character is not escaped"),
            ("{\"a\":\"x\0\"}", 7, "a control character is not escaped"),
            (r#"{"a":"\q"}"#, 6, "an escape is none of JSON's"),
            (r#"{"a":"\x2"}"#, 6, "an escape is none of JSON's"),
            (r#"{"a":"\u12"}"#, 6, "an escape \\u lacks four hex digits"),
            (
                r#"{"a":"\u+123"}"#,
                6,
                "an escape \\u lacks four hex digits",
            ),
            ("{\"a\":1,}", 7, "a key begins with \""),
            ("{\"a\":1 \"b\":2}", 7, "a comma or } is missing"),
            ("{\"a\":[1}", 7, "a comma or a closing bracket is missing"),
            (
                "{\"a\":{\"b\":1]}",
                11,
                "a comma or a closing bracket is missing",
            ),
            ("{\"a\":[1,]}", 8, "a value is missing"),
            ("{\"a\":1}{}", 7, "something follows the object"),
            ("{\"a\":1} x", 8, "something follows the object"),
        ] {
            assert_eq!(scanned(text).unwrap_err(), Fault { reason, at }, "{text}");
        }
    }

    #[test]
    fn nesting_has_a_limit_and_needs_no_stack() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            scanned(&format!("{{\"a\":{open}{close}}}"))
        };
        assert!(nested(126).is_ok());
        assert_eq!(
            nested(127).unwrap_err(),
            Fault {
                reason: "more than 127 arrays and objects are nested",
                at: 5 + 126
            }
        );
        assert!(nested(1_000_000).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}|[{}\\[\\]\",:0-9eE.+\\-\\\\ux\\sa-fNI]{0,40}") {
            let _ = scanned(&text);
            let _ = scanned(&format!("{{\"k\":{text}}}"));
        }

        #[test]
        fn what_serde_json_takes_is_taken(text in "[{}\\[\\]\",:0-9eE.+\\-\\\\untrlfase]{0,12}") {
            let text = format!("{{\"k\":{text}}}");
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                proptest::prop_assert!(scanned(&text).is_ok(), "{}", text);
            }
        }
    }
}
