//! How long answers take, next to what `SQLite`'s own indexes and `grep` need for them.
//!
//! `cargo bench --bench query -- --records 10000000 --rounds 7 --check`; `--part e` asks one question alone. The same records are
//! kept in three files in the target directory (`query-bench-N.sqlite`, `-trees.sqlite`, `.jsonl`; 10 GB for 10 million, which take
//! some minutes to make) until they are made of something else; delete them to have them made anew.
//!
//! In each round a question is put to all who can answer it, one after the other, so that a slow minute of the machine is a slow
//! minute for all of them. A first round is not measured: its answers must be the same.

mod answer;
mod arrays;
#[path = "../common/mod.rs"]
mod common;
mod files;
mod question;
mod records;
mod table;
mod trees;
mod ways;
#[path = "../workload/mod.rs"]
mod workload;

use std::io::{self, Write as _};
use std::process::ExitCode;

use common::{Args, Result};
use files::Files;
use question::Question;
use table::Row;
use ways::{Way, Ways};

fn main() -> ExitCode {
    common::end("query", run())
}

fn run() -> Result<ExitCode> {
    let args = Args::<Question> {
        records: 10_000_000,
        rounds: 7,
        check: false,
        part: None,
    };
    let args = args.parse(std::env::args().skip(1))?;
    if args.records < records::FEWEST {
        return Err(format!("--records must be at least {}", records::FEWEST).into());
    }
    let ways = Ways::open(Files::get(args.records)?)?;
    let questions = args
        .part
        .map_or(Question::ALL.to_vec(), |question| vec![question]);
    let mut rows = Vec::new();
    for question in questions {
        writeln!(io::stderr(), "{}", question.label())?;
        rows.push(ask(&ways, question, args.rounds)?);
    }
    let (text, mut met) = table::render(&rows, args.records, args.rounds);
    write!(io::stdout(), "{text}")?;
    if args.part.is_none() {
        let (line, arrays_met) = arrays::measure(args.records)?;
        write!(io::stdout(), "{line}")?;
        met &= arrays_met;
    }
    Ok(if args.check && !met {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Asks all who can answer, once to compare the answers and then so many times.
fn ask(ways: &Ways, question: Question, rounds: usize) -> Result<Row> {
    let asked: Vec<Way> = Way::ALL
        .into_iter()
        .filter(|way| way.takes(question))
        .collect();
    let (_, answer) = ways.ask(Way::Library, question)?;
    if answer.len() == 0 {
        return Err(format!("{}: the answer is empty", question.label()).into());
    }
    for way in &asked[1..] {
        let (_, other) = ways.ask(*way, question)?;
        if !answer.agrees(&other) {
            let label = question.label();
            return Err(format!("{label}: {answer:?}, but {way:?} says {other:?}").into());
        }
    }
    let mut ms = Vec::new();
    for _ in 0..rounds {
        for way in &asked {
            ms.push((*way, ways.ask(*way, question)?.0));
        }
    }
    Ok(Row {
        question,
        answer: answer.len(),
        ms,
    })
}
