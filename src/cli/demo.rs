//! `logstore demo`: the way of a record, from a client through a server into a file and back, in one process.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use logstore::{
    Level, LogRecord, Output, Progress, Query, Reader, ServerContext, Site, SocketHandler, Zone,
};

use super::console::{ColorChoice, Data, controls, say};
use super::pager::Paging;

/// How long the server, a thread of ours, may take for five records.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the logging cookbook of Python's documentation sends.
const RECORDS: [(&str, Level, &str); 5] = [
    (
        "root",
        Level::INFO,
        "Jackdaws love my big sphinx of quartz.",
    ),
    (
        "myapp.area1",
        Level::DEBUG,
        "Quick zephyrs blow, vexing daft Jim.",
    ),
    (
        "myapp.area1",
        Level::INFO,
        "How quickly daft jumping zebras vex.",
    ),
    (
        "myapp.area2",
        Level::WARNING,
        "Jail zesty vixen who grabbed pay from quack.",
    ),
    (
        "myapp.area2",
        Level::ERROR,
        "The five boxing wizards jump quickly.",
    ),
];

pub(super) fn run() -> anyhow::Result<()> {
    let dir = tempfile::tempdir().context("cannot make a temporary directory")?;
    let db = dir.path().join("demo.sqlite");
    send(&db)?;
    show(&db)?;
    dir.close()
        .context("cannot remove the temporary directory")?;
    say(
        "that file is gone; to keep records, run `logstore serve`, and log to it with Python's SocketHandler,",
    );
    say(
        "or with `logstore send hello`; ask it with `logstore query --level warning --name myapp.area2`",
    );
    Ok(())
}

/// Sends the records to a server that writes them to this file.
fn send(db: &Path) -> anyhow::Result<()> {
    let mut server = ServerContext::builder().port(0).start(db)?;
    let address = server.local_addr();
    say(&format!(
        "a server listens on {address} and writes to a temporary file"
    ));
    let handler = SocketHandler::builder(address.ip().to_string(), address.port()).start()?;
    for (name, level, message) in RECORDS {
        handler.emit(&LogRecord::new(Site::new(name, level), message))?;
    }
    handler.flush(PATIENCE)?;
    handler.close()?;
    let summary = server.close()?;
    say(&format!(
        "a client has logged to it as Python's logging cookbook does: {summary}"
    ));
    Ok(())
}

/// Shows what is in the file.
fn show(db: &Path) -> anyhow::Result<()> {
    say("the server has stopped; `logstore query` shows what is in the file:");
    let mut format = Output::Text.formatter(Zone::Local, ColorChoice::Auto.coloring(), controls());
    let mut data = Data::new(Paging::NONE, &Progress::new());
    format.begin(&mut data.buffer);
    for stored in Reader::open(db)?.query(&Query::default())? {
        format.write(&stored?, &mut data.buffer);
    }
    data.flush().context("cannot write the answer")
}
