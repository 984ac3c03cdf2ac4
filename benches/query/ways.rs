//! The ways to an answer, and how long each takes.

use std::process::{Command, Stdio};
use std::time::Instant;

use logstore::Reader;

use crate::Result;
use crate::answer::Answer;
use crate::files::Files;
use crate::question::{Asked, Question};
use crate::records::FRAGMENT;
use crate::trees::Trees;

/// Whom a question is put to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The library, in this process, with its file open.
    Library,
    /// The same rows with B-trees and FTS5, in this process, with the file open.
    Trees,
    /// The built program, from its start to its end.
    Program,
    /// `grep -c` on the same records as JSON lines, from its start to its end.
    Grep,
}

impl Way {
    pub(crate) const ALL: [Way; 4] = [Way::Library, Way::Trees, Way::Program, Way::Grep];

    pub(crate) fn takes(self, question: Question) -> bool {
        self != Way::Grep || question == Question::Fragment
    }
}

/// All who can be asked.
pub(crate) struct Ways {
    files: Files,
    reader: Reader,
    trees: Trees,
}

impl Ways {
    pub(crate) fn open(files: Files) -> Result<Ways> {
        Ok(Ways {
            reader: Reader::open(&files.store)?,
            trees: Trees::open(&files.trees)?,
            files,
        })
    }

    /// The answer, and after how many milliseconds it was there.
    pub(crate) fn ask(&self, way: Way, question: Question) -> Result<(f64, Answer)> {
        match way {
            Way::Library => {
                let asked = question.asked()?;
                timed(|| self.ask_library(&asked))
            }
            Way::Trees => timed(|| self.trees.ask(question)),
            Way::Program => {
                let mut program = Command::new(env!("CARGO_BIN_EXE_logstore"));
                program.args(question.arguments());
                program.args(["--output", "json", "--db"]);
                program.arg(&self.files.store);
                let (ms, printed) = timed(|| run(&mut program))?;
                Ok((ms, Answer::of_json(&printed)?))
            }
            Way::Grep => {
                let mut grep = Command::new("grep");
                grep.env("LC_ALL", "C").args(["-c", FRAGMENT]);
                grep.arg(&self.files.lines);
                let (ms, printed) = timed(|| run(&mut grep))?;
                let lines = String::from_utf8(printed)?.trim().parse()?;
                Ok((ms, Answer::Lines(lines)))
            }
        }
    }

    fn ask_library(&self, asked: &Asked) -> Result<Answer> {
        Ok(match asked {
            Asked::Records(query) => {
                let records = self.reader.query(query)?;
                let ids = records.map(|stored| stored.map(|stored| stored.id));
                Answer::Ids(ids.collect::<std::result::Result<_, _>>()?)
            }
            Asked::Counts(count) => Answer::of_counts(&self.reader.count(count)?),
        })
    }
}

fn timed<T>(ask: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
    let start = Instant::now();
    let answer = ask()?;
    Ok((start.elapsed().as_secs_f64() * 1e3, answer))
}

/// Runs a program to its end; gives what it printed.
fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status).into());
    }
    Ok(output.stdout)
}
