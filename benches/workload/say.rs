//! What the made-up service says: messages, tracebacks and extra fields.

use std::fmt::Write as _;

use logstore::Site;
use serde_json::{Map, Value};

use super::field;
use super::random::Random;

const TABLES: [&str; 6] = [
    "orders",
    "customers",
    "measurements",
    "sessions",
    "invoices_2026",
    "inventory_daily",
];
const USERS: [&str; 6] = [
    "ada",
    "grace.hopper",
    "linus",
    "edsger",
    "barbara.liskov",
    "ken",
];
const STATES: [&str; 5] = [
    "queued",
    "running",
    "waiting for input",
    "retrying after a timeout",
    "done",
];
const REASONS: [&str; 5] = [
    "connection reset by peer",
    "deadline exceeded while waiting for the lock",
    "no such file or directory",
    "checksum mismatch between manifest and data",
    "permission denied for the service account",
];

/// The message of a logger's call site: its own template, filled in. 60 to 200 bytes.
pub(crate) fn message(call: usize, random: &mut Random) -> String {
    let (a, b, id) = (random.below(50_000), random.below(900), random.bits());
    let (table, user) = (random.pick(&TABLES), random.pick(&USERS));
    let (state, reason) = (random.pick(&STATES), random.pick(&REASONS));
    let ms = random.milli();
    match call {
        0 => format!(
            "read {a} rows from table {table} (partition {b}) in {ms:.1} ms, batch {id:016x}, {} bytes",
            a * 113
        ),
        1 => format!("cache lookup for key {table}:{user}:{id:016x} gave a hit after {ms:.3} ms"),
        2 => format!("acquired connection {b} of the pool for {user}, waited {ms:.2} ms, {state}"),
        3 => format!(
            "SELECT id, state, owner, updated FROM {table} WHERE owner = '{user}' AND id > {a} AND \
             state = '{state}' ORDER BY updated LIMIT {b} -- {ms:.2} ms, plan {:08x}",
            id >> 32
        ),
        4 => format!(
            "GET /api/v2/{table}/{a}?page={b}&user={user} 200 {} bytes in {ms:.1} ms",
            a * 31
        ),
        5 => format!(
            "task {id:016x} on {table} changed to {state}: {a} items finished, {b} to go, {ms:.0} items/s"
        ),
        6 => format!("token of user {user} refreshed, session {id:016x} is valid for {a} seconds"),
        7 => format!(
            "queue depth {a} of {table} is above the limit of {b}; oldest item waits for {ms:.1} s, state {state}"
        ),
        8 => format!(
            "step {b} of job {id:016x} on {table} failed: {reason} (attempt {})",
            b % 5
        ),
        _ => format!(
            "giving up on {table} after {b} attempts: {reason}; partition {a} of {user} needs attention"
        ),
    }
}

/// A traceback of about ten lines that ends at this site.
pub(crate) fn traceback(site: &Site, random: &mut Random) -> String {
    let mut text = String::from("Traceback (most recent call last):\n");
    for (file, function, code) in [
        (
            "/srv/myapp/runner.py",
            "main",
            "self.scheduler.run_pending(until=deadline)",
        ),
        (
            "/srv/myapp/scheduler.py",
            "run_pending",
            "result = task.execute(context, timeout=30.0)",
        ),
        (
            "/usr/lib/python3.11/contextlib.py",
            "inner",
            "return func(*args, **kwds)",
        ),
        (
            &*site.pathname,
            &*site.func_name,
            "rows = self.backend.fetch(table, partition)",
        ),
    ] {
        let line = 20 + random.below(700);
        write!(
            text,
            "  File \"{file}\", line {line}, in {function}\n    {code}\n"
        )
        .expect("a String takes all that is written to it");
    }
    let error = random.pick(&["ConnectionError", "TimeoutError", "ValueError"]);
    text + error + ": " + random.pick(&REASONS)
}

/// Two to four fields that a client adds with `extra=`, now and then one of them a dict.
pub(crate) fn extra(random: &mut Random) -> Map<String, Value> {
    let mut fields = Map::new();
    let wanted = 2 + random.index(3);
    while fields.len() < wanted {
        let (key, value) = match random.below(19) {
            0..3 => field("attempt", 1 + random.below(9)),
            3..6 => field("elapsed", random.milli()),
            6..9 => field("user_id", random.below(3_000_000)),
            9..12 => field("request_id", format!("{:016x}", random.bits())),
            12..15 => field("size_bytes", random.below(6_000_000_000)),
            15..18 => field("tenant", random.pick(&USERS)),
            _ => {
                let inner = [
                    field("tenant", random.pick(&USERS)),
                    field("ratio", random.milli() / 1000.0),
                    field("retries", random.below(4)),
                ];
                field("context", Map::from_iter(inner))
            }
        };
        fields.insert(key, value);
    }
    fields
}
