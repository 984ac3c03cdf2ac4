//! The README's first steps, as they stand there.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Server, Store, logstore, python, wait_until};

/// The code blocks of a language, in order.
fn blocks(language: &str) -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let begin = format!("```{language}\n");
    let blocks = readme.split(&begin).skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// The arguments of a command that is given to `cargo run`, with this file for the README's.
fn arguments(command: &str, store: &Store) -> Vec<String> {
    let (_, arguments) = command
        .trim()
        .split_once("cargo run --release -- ")
        .unwrap();
    let file = store.db.to_str().unwrap();
    arguments
        .split(' ')
        .map(|argument| argument.replace("runs.sqlite", file))
        .collect()
}

#[test]
fn the_first_steps_lead_where_the_readme_says() {
    let store = Store::new();
    let shell = blocks("sh");
    let serve = arguments(&shell[0], &store);
    assert_eq!(serve, ["serve", "--db", store.db.to_str().unwrap()]);
    let server = Server::start(&store.db);

    // The same on a free port; a client that is content says nothing.
    let client = blocks("python").remove(0).replace("9020", &server.port());
    let output = Command::new(python())
        .args(["-c", &client])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );

    wait_until("all records", || store.count() == 3);
    let output = logstore(arguments(&shell[1], &store)).output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = answer.lines().collect();
    assert_eq!(lines.len(), 2, "{answer}");
    assert!(lines[0].ends_with("Jail zesty vixen who grabbed pay from quack.  elapsed=1.5"));
    assert!(lines[1].ends_with("The five boxing wizards jump quickly."));
    server.terminate();
}

#[test]
fn every_example_of_a_question_is_understood() {
    let store = crate::queries::store();
    let mut tried = 0;
    for line in blocks("sh").concat().lines() {
        let Some(typed) = line.strip_prefix("logstore ") else {
            continue;
        };
        let (command, rest) = typed.split_once(' ').unwrap_or((typed, ""));
        // What is behind the comment or the pipe is not ours, following does not end, and other machines are not there.
        let arguments = rest.split(['#', '|']).next().unwrap();
        if command == "serve" || arguments.starts_with("-f") || arguments.contains("example.org") {
            continue;
        }
        let script = format!("exec \"$0\" {command} --db \"$1\" {arguments}");
        let output = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_logstore")])
            .arg(&store.db)
            .current_dir(store.file(""))
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        tried += 1;
    }
    assert!(tried > 15, "{tried}");
}
