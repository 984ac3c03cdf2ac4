//! Holds the house rules that the compiler does not: layers, lengths, no loose ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

const LONGEST_FILE: usize = 500;
const LONGEST_MAIN: usize = 60;
const LONGEST_MODULE: usize = 300;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files under these directories of the project, with their paths from its root and their text.
fn sources(directories: &[&str]) -> Vec<(String, String)> {
    let mut waiting: Vec<PathBuf> = directories.iter().map(|name| root().join(name)).collect();
    let mut sources = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
            sources.push((name.replace('\\', "/"), fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(!sources.is_empty());
    sources
}

/// The lines of a file that are no comments, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Fails with all complaints at once.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The layer of each file and folder of `src`, as the map in ARCHITECTURE.md has it.
fn layers() -> BTreeMap<String, u32> {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let row = Regex::new(r"(?m)^\| (\d) [^|]*\| ([^|]*)\|").unwrap();
    let within = Regex::new(r"\([^)]*\)").unwrap();
    let name = Regex::new(r"`([a-z_]+)/?`").unwrap();
    let mut layers = BTreeMap::new();
    for row in row.captures_iter(&page) {
        // What a folder holds stands in parentheses behind it.
        let files = within.replace_all(&row[2], "");
        for name in name.captures_iter(&files) {
            layers.insert(name[1].to_owned(), row[1].parse().unwrap());
        }
    }
    layers
}

/// The file or folder of `src` that a path lies in.
fn part_of(path: &str) -> &str {
    let path = path.strip_prefix("src/").unwrap();
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

#[test]
fn the_map_names_every_file_and_folder_of_src() {
    let layers = layers();
    let mut parts: Vec<String> = sources(&["src"])
        .iter()
        .map(|(path, _)| part_of(path).to_owned())
        .filter(|part| part != "lib")
        .collect();
    parts.sort();
    parts.dedup();
    let mapped: Vec<String> = layers.into_keys().collect();
    assert_eq!(mapped, parts, "ARCHITECTURE.md (left) and src (right)");
}

#[test]
fn imports_come_only_from_layers_above() {
    let layers = layers();
    let import = Regex::new(r"\bcrate::(\w+|\{)").unwrap();
    let mut complaints = Vec::new();
    for (path, text) in sources(&["src"]) {
        let part = part_of(&path);
        if part == "lib" {
            continue;
        }
        for (number, line) in code(&text) {
            for import in import.captures_iter(line) {
                let from = &import[1];
                let complaint = match layers.get(from) {
                    _ if from == part => continue,
                    Some(layer) if *layer <= layers[part] => continue,
                    Some(_) => "lies in a layer below",
                    None => "is no file of the map: import from the file that has it",
                };
                complaints.push(format!("{path}:{number}: {from} {complaint}"));
            }
        }
    }
    none(&complaints);
}

#[test]
fn the_program_sees_only_the_public_library() {
    let own = Regex::new(r"\bcrate::(\w+)").unwrap();
    let mut complaints = Vec::new();
    for (path, text) in sources(&["src/cli", "src/main.rs"]) {
        for (number, line) in code(&text) {
            let imported = own.captures(line).map(|import| import[1].to_owned());
            if imported.is_some_and(|from| from != "cli") || line.contains("#[path") {
                complaints.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    none(&complaints);
}

#[test]
fn no_file_is_too_long() {
    let mut complaints = Vec::new();
    for (path, text) in sources(&["src", "tests", "benches"]) {
        let longest = if path == "src/main.rs" {
            LONGEST_MAIN
        } else {
            LONGEST_FILE
        };
        let lines = text.lines().count();
        if lines > longest {
            complaints.push(format!(
                "{path}: {lines} lines, the limit is {longest}; split it"
            ));
        }
    }
    none(&complaints);
}

#[test]
fn every_file_says_its_job_in_its_first_line() {
    let mut complaints = Vec::new();
    for (path, text) in sources(&["src", "tests", "benches"]) {
        if !text.starts_with("//! ") {
            complaints.push(format!("{path}: no //! in the first line"));
        }
    }
    none(&complaints);
}

#[test]
fn modules_of_the_page_are_short_and_say_their_job_first() {
    let mut complaints = Vec::new();
    for folder in ["web", "tests/browser"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if !path
                .extension()
                .is_some_and(|end| end == "js" || end == "mjs")
            {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            if !text.starts_with("// ") || text.lines().count() > LONGEST_MODULE {
                complaints.push(path.display().to_string());
            }
        }
    }
    none(&complaints);
}

#[test]
fn nothing_is_left_undone_or_silenced() {
    let loose = Regex::new(r"\b(todo!|unimplemented!|FIXME|XXX)|#!?\[allow\b").unwrap();
    let mut complaints = Vec::new();
    for (path, text) in sources(&["src", "tests", "benches"]) {
        // This file names what it looks for.
        if path == "tests/tidy.rs" {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()) {
            if loose.is_match(line) {
                complaints.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
    }
    none(&complaints);
}

#[test]
fn sql_is_known_to_the_store_alone() {
    let sql = Regex::new(
        r#""\s*(SELECT|INSERT|REPLACE|UPDATE|DELETE FROM|PRAGMA|CREATE|DROP|ALTER|BEGIN|COMMIT|ROLLBACK|VACUUM|ATTACH)\b"#,
    )
    .unwrap();
    let mut complaints = Vec::new();
    for (path, text) in sources(&["src"]) {
        if path.starts_with("src/store/") {
            continue;
        }
        for (number, line) in code(&text) {
            if sql.is_match(line) || line.contains("rusqlite::Connection") {
                complaints.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
    }
    none(&complaints);
}
