//! The help texts, as they stand in `tests/snapshots`, and the echo of a server.

use std::path::Path;
use std::process::Stdio;

use crate::support::{Store, logstore};

/// Compares with a file; `LOGSTORE_TEST_UPDATE=1` writes it anew.
#[track_caller]
fn same_as_snapshot(name: &str, text: &str) {
    // Without the blanks that the help puts into empty lines.
    let text: String = text
        .lines()
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots")
        .join(name);
    if std::env::var_os("LOGSTORE_TEST_UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == text,
        "{} is not what it was; LOGSTORE_TEST_UPDATE=1 accepts this:\n{text}",
        path.display()
    );
}

#[test]
fn help_is_as_reviewed() {
    for (name, arguments) in [
        ("help.txt", &["--help"][..]),
        ("serve-help.txt", &["serve", "--help"]),
        ("query-help.txt", &["query", "--help"]),
        ("count-help.txt", &["count", "--help"]),
        ("stats-help.txt", &["stats", "--help"]),
        ("sql-help.txt", &["sql", "--help"]),
        ("prune-help.txt", &["prune", "--help"]),
        ("check-help.txt", &["check", "--help"]),
        ("backup-help.txt", &["backup", "--help"]),
        ("send-help.txt", &["send", "--help"]),
        ("demo-help.txt", &["demo", "--help"]),
    ] {
        let output = logstore(arguments).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty());
        same_as_snapshot(name, &String::from_utf8(output.stdout).unwrap());
    }
}

#[test]
fn every_flag_of_the_help_has_a_word_of_explanation() {
    for command in ["serve", "query", "count", "stats", "sql", "prune", "send"] {
        let output = logstore([command, "--help"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let mut flags = 0;
        for (flag, below) in lines.iter().zip(&lines[1..]) {
            if flag.starts_with("  -") || flag.starts_with("      --") {
                let beside = flag.trim_start().contains("  ");
                assert!(
                    beside || below.starts_with("          "),
                    "{command}: {flag}"
                );
                flags += 1;
            }
        }
        assert!(flags >= 5, "{command}: {flags} flags");
    }
}

#[test]
fn the_version_is_the_packages() {
    let output = logstore(["--version"]).output().unwrap();
    let expected = format!("logstore {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn help_needs_no_database() {
    let store = Store::new();
    let output = logstore(["query", "--help", "--db"])
        .arg(&store.db)
        .output();
    assert!(output.unwrap().status.success());
    assert!(!store.db.exists());
}
