//! The number in angle brackets that a message begins with: its facility and its severity.

use crate::level::Level;

/// A facility times eight plus a severity (RFC 5424, 6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Priority(u8);

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

const SEVERITIES: [(Level, &str); 8] = [
    (Level::CRITICAL, "EMERGENCY"),
    (Level::CRITICAL, "ALERT"),
    (Level::CRITICAL, "CRITICAL"),
    (Level::ERROR, "ERROR"),
    (Level::WARNING, "WARNING"),
    (Level::NOTICE, "NOTICE"),
    (Level::INFO, "INFO"),
    (Level::DEBUG, "DEBUG"),
];

impl Priority {
    /// That of a message without one: user, notice (RFC 3164, 4.3.3).
    pub(super) const DEFAULT: Priority = Priority(13);

    /// Takes the priority off a message. `None` when it begins with none, or with one over 191.
    pub(super) fn split(message: &[u8]) -> Option<(Priority, &[u8])> {
        let behind = message.strip_prefix(b"<")?;
        let digits = behind.iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        let rest = behind[digits..].strip_prefix(b">")?;
        if !(1..=3).contains(&digits) {
            return None;
        }
        let add = |number, digit: &u8| number * 10 + usize::from(digit - b'0');
        let number = behind[..digits].iter().fold(0, add);
        let known = number < FACILITIES.len() * SEVERITIES.len();
        let priority = Priority(u8::try_from(number).ok().filter(|_| known)?);
        Some((priority, rest))
    }

    pub(super) fn facility(self) -> &'static str {
        FACILITIES[usize::from(self.0 / 8)]
    }

    /// The level and its name, which tells the three worst severities apart.
    pub(super) fn level(self) -> (Level, &'static str) {
        SEVERITIES[usize::from(self.0 % 8)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_facility_and_severity() {
        for (message, facility, level) in [
            (&b"<0>"[..], "kern", (Level::CRITICAL, "EMERGENCY")),
            (b"<13>", "user", (Level::NOTICE, "NOTICE")),
            (b"<086>", "authpriv", (Level::INFO, "INFO")),
            (b"<191>", "local7", (Level::DEBUG, "DEBUG")),
        ] {
            let (priority, rest) = Priority::split(message).unwrap();
            assert_eq!(rest, b"");
            assert_eq!((priority.facility(), priority.level()), (facility, level));
        }
    }

    #[test]
    fn other_beginnings_are_none() {
        for message in [
            "", "<", "<>", "<1", "<192>", "<999>", "<0013>", "<-1>", "<1 >", "13>", " <13>",
        ] {
            assert_eq!(Priority::split(message.as_bytes()), None, "{message}");
        }
    }
}
