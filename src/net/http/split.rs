//! A body's messages, one after the other: objects of JSON, items of an array, lines.

/// Each object of a body, which may span lines, and each line that is none.
pub(super) struct Objects<'b> {
    body: &'b [u8],
    rest: &'b [u8],
    /// Where the line ends that was last looked at.
    line_end: usize,
    /// How many bytes may be searched in vain for the ends of objects that have none.
    patience: usize,
}

impl<'b> Objects<'b> {
    pub(super) fn new(body: &'b [u8]) -> Self {
        Objects {
            body,
            rest: body.trim_ascii_start(),
            line_end: 0,
            patience: body.len(),
        }
    }
}

impl<'b> Iterator for Objects<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let rest = self.rest;
        let first = rest.first()?;
        let at = self.body.len() - rest.len();
        let spanning = match first {
            b'{' if self.patience > 0 => end_of(rest, *b"{}", LineEnds::OutsideTexts),
            _ => Err(0),
        };
        let end = spanning.unwrap_or_else(|searched| {
            self.patience = self.patience.saturating_sub(searched);
            if self.line_end <= at {
                let end = memchr::memchr(b'\n', rest);
                self.line_end = end.map_or(self.body.len(), |end| at + end);
            }
            let line = &rest[..self.line_end - at];
            match first {
                b'{' => end_of(line, *b"{}", LineEnds::OutsideTexts).unwrap_or(line.len()),
                _ => line.len(),
            }
        });
        let (object, behind) = rest.split_at(end);
        self.rest = behind.trim_ascii_start();
        Some(object)
    }
}

/// Each item of an array, good or not, and what else is there; nothing, when it has no end.
pub(super) struct Items<'b> {
    /// `None` behind the end.
    rest: Option<&'b [u8]>,
}

impl<'b> Items<'b> {
    pub(super) fn new(body: &'b [u8]) -> Self {
        let array = body.trim_ascii_start();
        let items = array.strip_prefix(b"[").unwrap_or(array);
        Items {
            rest: Some(items.trim_ascii_start()),
        }
    }
}

impl<'b> Iterator for Items<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        loop {
            let rest = self.rest.take()?;
            let Some(first) = rest.first() else {
                // An array without its end.
                return Some(rest);
            };
            let end = match first {
                b',' => 0,
                b']' => {
                    let behind = rest[1..].trim_ascii();
                    return (!behind.is_empty()).then_some(behind);
                }
                b'{' => end_of(rest, *b"{}", LineEnds::Anywhere).unwrap_or(rest.len()),
                b'[' => end_of(rest, *b"[]", LineEnds::Anywhere).unwrap_or(rest.len()),
                b'"' => memchr::memchr(b'"', &rest[1..]).map_or(rest.len(), |end| end + 2),
                _ => memchr::memchr2(b',', b']', rest).unwrap_or(rest.len()),
            };
            let (item, behind) = rest.split_at(end);
            let behind = behind.trim_ascii_start();
            let behind = behind.strip_prefix(b",").unwrap_or(behind);
            self.rest = Some(behind.trim_ascii_start());
            if !item.is_empty() {
                return Some(item.trim_ascii_end());
            }
        }
    }
}

/// Each line that is not blank.
pub(super) fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memchr::memchr2_iter(b'\n', 0, body).chain([body.len()]);
    let lines = ends.map(move |end| {
        let line = &body[start..end];
        start = end + 1;
        line.trim_ascii()
    });
    lines.filter(|line| !line.is_empty())
}

/// Whether a text of JSON may have a line end in it, which it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineEnds {
    OutsideTexts,
    Anywhere,
}

/// Where the value that begins with the first bracket of a pair ends; an error when it does not, after how many bytes.
fn end_of(bytes: &[u8], [open, close]: [u8; 2], line_ends: LineEnds) -> Result<usize, usize> {
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\n' if in_text && line_ends == LineEnds::OutsideTexts => return Err(at),
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            byte if *byte == open => depth += 1,
            byte if *byte == close => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(at + 1);
                }
            }
            _ => {}
        }
    }
    Err(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_may_span_lines_and_stand_together() {
        let objects = |body: &str| {
            Objects::new(body.as_bytes())
                .map(|object| String::from_utf8_lossy(object).into_owned())
                .collect::<Vec<_>>()
        };
        let pretty = "{\n  \"a\": {\n    \"b\": \"}\\\"\"\n  }\n}";
        assert_eq!(objects(pretty), [pretty]);
        assert_eq!(
            objects(&format!(" {pretty}{pretty}\n\n{{}}\n")),
            [pretty, pretty, "{}"]
        );
        let broken = "{\"a\":1}\nx\n{\"a\":\n{\"a\":2}\n{\"a\n{\"a\":3}";
        let lines: Vec<&str> = broken.lines().collect();
        assert_eq!(objects(broken), lines);
        // A line that is no object says nothing of those behind it.
        assert_eq!(
            objects(&format!("# note\n{pretty}\n}},\n{pretty}")),
            ["# note", pretty, "},", pretty]
        );
    }

    #[test]
    fn blank_lines_are_none_and_the_last_needs_no_end() {
        let found: Vec<&[u8]> = lines(b"\n{}\r\n\0 x\n\nlast").collect();
        assert_eq!(found, [&b"{}"[..], b"x", b"last"]);
        assert_eq!(lines(b"").count(), 0);
    }

    #[test]
    fn what_has_no_end_is_looked_for_once() {
        let began = std::time::Instant::now();
        for unit in ["{\n", "{\"a\":1}", "{\"a\n", "{", "{\"\n{"] {
            let body = unit.repeat((4 << 20) / unit.len());
            assert!(Objects::new(body.as_bytes()).count() > 0);
            assert!(Items::new(body.as_bytes()).count() > 0);
        }
        // Searched anew for each of them it would take hours.
        assert!(began.elapsed() < std::time::Duration::from_mins(1));
    }
}
