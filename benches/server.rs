//! The built binary, serving, for the benchmarks that send to it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::Result;

/// The built binary, serving; killed when dropped before [`Server::stop`].
pub(crate) struct Server {
    child: Child,
    /// What it says on stderr; dropping it would close the pipe that the server writes to.
    talk: BufReader<ChildStderr>,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(path: &Path) -> Result<Server> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_logstore"))
            .args([
                "serve",
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--quiet",
                "--own-records",
                "off",
                "--db",
            ])
            .arg(path)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let talk = BufReader::new(child.stderr.take().ok_or("the server has no stderr")?);
        let mut server = Server {
            child,
            talk,
            address: String::new(),
        };
        let mut said = String::new();
        while server.talk.read_line(&mut said)? > 0 {
            if let Some((_, address)) = said.split_once("listening on ") {
                let end = address.find([',', '\n']).unwrap_or(address.len());
                address[..end].clone_into(&mut server.address);
                return Ok(server);
            }
        }
        Err(format!("the server did not start: {said}").into())
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        // The standard library can only kill.
        Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        let mut said = String::new();
        self.talk.read_to_string(&mut said)?;
        let status = self.child.wait()?;
        if !status.success() {
            return Err(format!("the server ended with {status}: {said}").into());
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail when it has ended already, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
