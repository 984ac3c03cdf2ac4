//! A pipeline that logs to a server through the `log` crate's macros.
//!
//!     logstore serve --db runs.sqlite &
//!     cargo run --example pipeline_log --features log -- 127.0.0.1 9020
//!     logstore query --db runs.sqlite --name pipeline_log

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().unwrap_or_else(|| "127.0.0.1".into());
    let port = arguments.next().map_or(Ok(9020), |port| port.parse())?;
    let handler = logstore::client_attach_socket_handler(host, port)?;

    log::info!(steps = 3; "the run begins");
    for step in 1..=3 {
        if let Err(error) = work(step) {
            log::error!(step, error:err; "step {step} failed");
        }
    }
    log::info!("the run ends");

    // Waits until the server has read all of it.
    handler.close()?;
    Ok(())
}

fn work(step: u32) -> Result<u32, std::num::ParseIntError> {
    log::debug!(step; "step {step} begins");
    ["1", "two", "3"][step as usize - 1].parse()
}
