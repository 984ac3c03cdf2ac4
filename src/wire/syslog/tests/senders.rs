//! Messages as real senders put them on the wire.

use serde_json::{Value, json};

use super::{NOW, decode};
use crate::time::{Zone, display_time, parse_since};

/// What is expected of a message. Host `peer` and logger `root` stand for none.
struct Row<'a> {
    message: &'a str,
    /// In UTC, or in local time when it has no offset; empty for the time of arrival.
    created: &'a str,
    /// Host, logger, process.
    from: (&'a str, &'a str, Option<i64>),
    text: &'a str,
    /// Besides the facility.
    extra: Value,
}

fn row<'a>(
    message: &'a str,
    created: &'a str,
    from: (&'a str, &'a str, Option<i64>),
    text: &'a str,
) -> Row<'a> {
    Row {
        message,
        created,
        from,
        text,
        extra: json!({}),
    }
}

impl Row<'_> {
    fn with(mut self, extra: Value) -> Self {
        self.extra = extra;
        self
    }
}

fn check(rows: Vec<Row<'_>>) {
    for row in rows {
        let mut record = decode(row.message);
        record.extra.remove("facility");
        let created_ns = if row.created.is_empty() {
            NOW
        } else {
            parse_since(row.created, NOW, Zone::Local).unwrap()
        };
        let shown = display_time(record.created_ns, Zone::Local);
        assert_eq!(record.created_ns, created_ns, "{}: {shown}", row.message);
        let (site, origin) = (&record.site, &record.origin);
        let from = (&*origin.hostname, &*site.name, origin.process);
        assert_eq!(from, row.from, "{}", row.message);
        assert_eq!(record.message, row.text, "{}", row.message);
        assert_eq!(Value::from(record.extra), row.extra, "{}", row.message);
    }
}

#[test]
fn rfc_5424_as_its_senders_write_it() {
    let quality = || json!({"structured_data": {"timeQuality": {"tzKnown": "1", "isSynced": "0"}}});
    check(vec![
        // The examples of the RFC.
        row(
            "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{FEFF}'su root' failed for lonvick on /dev/pts/8",
            "2003-10-11T22:14:15.003Z",
            ("mymachine.example.com", "su", None),
            "'su root' failed for lonvick on /dev/pts/8",
        )
        .with(json!({"msgid": "ID47"})),
        row(
            "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
            "2003-08-24T12:14:15.000003Z",
            ("192.0.2.1", "myproc", Some(8710)),
            "%% It's time to make the do-nuts.",
        ),
        row(
            "<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"Application\"][examplePriority@32473 class=\"high\"]",
            "2003-10-11T22:14:15.003Z",
            ("host", "evntslog", None),
            "",
        )
        .with(json!({"msgid": "ID47", "structured_data": {
            "exampleSDID@32473": {"iut": "3", "eventSource": "Application"},
            "examplePriority@32473": {"class": "high"},
        }})),
        // rsyslog begins MSG with a space.
        row(
            "<13>1 2026-11-22T16:20:25.375473+00:00 vm root 4711 - -  hello world\n",
            "2026-11-22T16:20:25.375473Z",
            ("vm", "root", Some(4711)),
            "hello world",
        ),
        // syslog-ng.
        row(
            "<38>1 2026-11-22T17:20:25+01:00 vm sshd 99 - [meta sequenceId=\"7\"] \u{FEFF}Accepted",
            "2026-11-22T16:20:25Z",
            ("vm", "sshd", Some(99)),
            "Accepted",
        )
        .with(json!({"structured_data": {"meta": {"sequenceId": "7"}}})),
        // logger --rfc5424, and with notime,nohost.
        row(
            "<13>1 2026-11-22T23:47:57.375473+00:00 vm root - - [timeQuality tzKnown=\"1\" isSynced=\"0\"] hello world",
            "2026-11-22T23:47:57.375473Z",
            ("vm", "root", None),
            "hello world",
        )
        .with(quality()),
        row("<13>1 - - app - - - hello", "", ("peer", "app", None), "hello"),
        // Docker left the structured data out once.
        row(
            "<30>1 2026-11-22T16:20:25Z vm web 1234 web 10.0.0.1 GET /",
            "2026-11-22T16:20:25Z",
            ("vm", "web", Some(1234)),
            "10.0.0.1 GET /",
        )
        .with(json!({"msgid": "web"})),
        // Heroku still does.
        row(
            "<40>1 2012-11-30T06:45:29+00:00 host app web.3 - State changed\n",
            "2012-11-30T06:45:29Z",
            ("host", "app", None),
            "State changed",
        )
        .with(json!({"procid": "web.3"})),
        // A process that is no number, nanoseconds, only a header.
        row(
            "<14>1 2026-11-22T16:20:25.123456789Z h a main-1 m -",
            "2026-11-22T16:20:25.123456789Z",
            ("h", "a", None),
            "",
        )
        .with(json!({"procid": "main-1", "msgid": "m"})),
        row(
            "<14>1 2026-12-31T23:59:60Z h a 007 - - x",
            "2027-01-01T00:00:00Z",
            ("h", "a", None),
            "x",
        )
        .with(json!({"procid": "007"})),
        // Structured data that is none belongs to the message.
        row("<14>1 - h a - - [x y] z", "", ("h", "a", None), "[x y] z"),
    ]);
}

#[test]
fn rfc_3164_as_its_senders_write_it() {
    let at = "2026-11-22 16:20:25";
    check(vec![
        row(
            "<34>Nov 22 16:20:25 mymachine su: 'su root' failed",
            at,
            ("mymachine", "su", None),
            "'su root' failed",
        ),
        // logger --rfc3164, glibc's syslog(), systemd's forwarding.
        row(
            "<13>Nov 22 16:20:25 vm app[77]: hi\n",
            at,
            ("vm", "app", Some(77)),
            "hi",
        ),
        row(
            "<14>Nov 22 16:20:25 cron: hi",
            at,
            ("peer", "cron", None),
            "hi",
        ),
        row(
            "<30>Nov 22 16:20:25 systemd[1]: Started nginx.service.",
            at,
            ("peer", "systemd", Some(1)),
            "Started nginx.service.",
        ),
        // rsyslog's two templates.
        row(
            "<46>2026-11-22T16:20:25.123456+00:00 vm rsyslogd: [origin software=\"rsyslogd\"] start",
            "2026-11-22T16:20:25.123456Z",
            ("vm", "rsyslogd", None),
            "[origin software=\"rsyslogd\"] start",
        ),
        row(
            "<22>Nov  2 16:20:25 vm postfix/smtpd[9]: connect from x",
            "2026-11-02 16:20:25",
            ("vm", "postfix/smtpd", Some(9)),
            "connect from x",
        ),
        // Docker over TCP names no host; its default over other networks puts a space first.
        row(
            "<30>Nov 22 16:20:25 web[12]: GET /",
            at,
            ("peer", "web", Some(12)),
            "GET /",
        ),
        row(
            "<30> 2026-11-22T16:20:25Z 74794bfb6795 web[12]: GET /",
            "2026-11-22T16:20:25Z",
            ("74794bfb6795", "web", Some(12)),
            "GET /",
        ),
    ]);
}

#[test]
fn times_have_years_and_fractions_and_hosts_look_like_years() {
    let at = "2026-11-22 16:20:25";
    check(vec![
        row("<13>Nov 22 2026 16:20:25 h a: m", at, ("h", "a", None), "m"),
        row("<13>2026 Nov 22 16:20:25 h a: m", at, ("h", "a", None), "m"),
        row("<13>Nov 22 16:20:25 2026 h a: m", at, ("h", "a", None), "m"),
        row(
            "<13>nov 22 16:20:25 7479 h a: m",
            at,
            ("7479", "root", None),
            "h a: m",
        ),
        row(
            "<13>Nov 22 16:20:25 20264bfb h[1] m",
            at,
            ("20264bfb", "h", Some(1)),
            "m",
        ),
        row(
            "<13>Nov 22 16:20:25.5 h a: m",
            "2026-11-22 16:20:25.5",
            ("h", "a", None),
            "m",
        ),
        row("<13>2026-11-22T16:20:25 h a: m", at, ("h", "a", None), "m"),
        row(
            "<13>Dec  1 06:20:25 ::1 a: m",
            "2026-12-01 06:20:25",
            ("::1", "a", None),
            "m",
        ),
        row(
            "<13>Dec  1 06:20:25 fe80::1 a: m",
            "2026-12-01 06:20:25",
            ("fe80::1", "a", None),
            "m",
        ),
    ]);
}

#[test]
fn what_nothing_sets_apart_stays_in_the_message() {
    let at = "2026-11-22 16:20:25";
    check(vec![
        row(
            "<13>Nov 22 16:20:25 h link down",
            at,
            ("h", "root", None),
            "link down",
        ),
        row(
            "<13>Nov 22 16:20:25 hello",
            at,
            ("peer", "root", None),
            "hello",
        ),
        row(
            "<13>Nov 22 16:20:25  hello you",
            at,
            ("peer", "root", None),
            " hello you",
        ),
        row(
            "<13>Nov 22 16:20:25 h {\"a\": 1}",
            at,
            ("h", "root", None),
            "{\"a\": 1}",
        ),
        row(
            "<30>Nov 22 16:20:25 vm (sd-pam)[8]: up",
            at,
            ("vm", "(sd-pam)", Some(8)),
            "up",
        ),
        row(
            "<13>Nov 22 16:20:25 h @cee: {\"a\":1}",
            at,
            ("h", "root", None),
            "@cee: {\"a\":1}",
        ),
        row("<13>Nov 22 16:20:25 h a[x-1]: m", at, ("h", "a", None), "m")
            .with(json!({"procid": "x-1"})),
        row("<13>Nov 22 16:20:25 h a[5]:m", at, ("h", "a", Some(5)), "m"),
        row(
            "<13>Nov 22 16:20:25 h http://a/ b",
            at,
            ("h", "root", None),
            "http://a/ b",
        ),
    ]);
}

#[test]
fn cisco_has_forms_of_its_own() {
    check(vec![
        row(
            "<189>29: *Nov 22 16:20:25.123: %SYS-5-CONFIG_I: Configured from console",
            "2026-11-22 16:20:25.123",
            ("peer", "%SYS-5-CONFIG_I", None),
            "Configured from console",
        )
        .with(json!({"sequence": "29"})),
        row(
            "<189>29: 000123: .Nov 22 16:20:25.123 UTC: %LINK-3-UPDOWN: Interface up",
            "2026-11-22T16:20:25.123Z",
            ("peer", "%LINK-3-UPDOWN", None),
            "Interface up",
        )
        .with(json!({"sequence": "29: 000123"})),
        row(
            "<189>29: router1: Nov 22 2026 16:20:25 CET: %SYS-6-X: up",
            "2026-11-22 16:20:25",
            ("router1", "%SYS-6-X", None),
            "up",
        )
        .with(json!({"sequence": "29", "timezone": "CET"})),
        row(
            "<166>Nov 22 2026 16:20:25 fw-1 : %ASA-6-302013: Built",
            "2026-11-22 16:20:25",
            ("fw-1", "%ASA-6-302013", None),
            "Built",
        ),
        row(
            "<166>Nov 22 2026 16:20:25 : %ASA-6-302013: Built",
            "2026-11-22 16:20:25",
            ("peer", "%ASA-6-302013", None),
            "Built",
        ),
        row(
            "<166>Nov 22 2026 16:20:25: %ASA-6-302013: Built",
            "2026-11-22 16:20:25",
            ("peer", "%ASA-6-302013", None),
            "Built",
        ),
    ]);
}

#[test]
fn without_a_time_all_is_message() {
    let none = ("peer", "root", None);
    check(vec![
        // Python's SysLogHandler: as it is, with an ident, with a formatter, and of Python 2.
        row("<12>café 3\0", "", none, "café 3"),
        row(
            "<10>myapp[12]: x\ny\0",
            "",
            ("peer", "myapp", Some(12)),
            "x\ny",
        ),
        row("<14>myapp: x", "", none, "myapp: x"),
        row(
            "<14>2026-11-22 16:20:25,123 myapp INFO x",
            "",
            none,
            "2026-11-22 16:20:25,123 myapp INFO x",
        ),
        row("<14>\u{FEFF}x", "", none, "x"),
        row("<14>\0", "", none, ""),
        row("<14> indented", "", none, " indented"),
        // Headers that cannot be read.
        row("<14>1 file copied", "", none, "1 file copied"),
        row(
            "<14>1 2026-13-22T16:20:25Z h a - - - m",
            "",
            none,
            "1 2026-13-22T16:20:25Z h a - - - m",
        ),
        row(
            "<14>1 2026-11-22T16:20:25Zx h a - - - m",
            "",
            none,
            "1 2026-11-22T16:20:25Zx h a - - - m",
        ),
        row("<14>1 - h  - - - m", "", none, "1 - h  - - - m"),
        row(
            "<14>1 9999-01-01T00:00:00Z h a - - - m",
            "",
            none,
            "1 9999-01-01T00:00:00Z h a - - - m",
        ),
        row("<14>2 - h a - - - m", "", none, "2 - h a - - - m"),
        row(
            "<14>Nov 31 16:20:25 h a: m",
            "",
            none,
            "Nov 31 16:20:25 h a: m",
        ),
        row(
            "<14>Nov 22 24:20:25 h a: m",
            "",
            none,
            "Nov 22 24:20:25 h a: m",
        ),
        row("<14>29: m", "", none, "29: m"),
        row("<14>@cee: {\"a\":1}", "", none, "@cee: {\"a\":1}"),
        row("<14>array[5] is bad", "", none, "array[5] is bad"),
        // No priority, or none that there is.
        row("Nov 22 16:20:25 h a: m", "", none, "Nov 22 16:20:25 h a: m"),
        row("<192>m", "", none, "<192>m"),
        row("hello\r\n", "", none, "hello"),
    ]);
}
