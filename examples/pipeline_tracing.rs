//! A pipeline whose `tracing` events and spans go straight into a store, without a server.
//!
//!     cargo run --example pipeline_tracing --features tracing -- runs.sqlite
//!     logstore query --db runs.sqlite --name pipeline_tracing

use std::error::Error;
use std::sync::Arc;

use logstore::{SQLiteQueueHandler, TracingBridge};
use tracing_subscriber::layer::SubscriberExt;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "runs.sqlite".into());
    let handler = Arc::new(SQLiteQueueHandler::open(path)?);
    let layer = TracingBridge::new(Arc::clone(&handler));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;

    run(3);

    // Waits until all of it is stored.
    handler.close()?;
    Ok(())
}

fn run(steps: u32) {
    let _span = tracing::info_span!("run", steps).entered();
    for step in 1..=steps {
        let _span = tracing::info_span!("step", step).entered();
        match work(step) {
            Ok(rows) => tracing::info!(rows, "imported"),
            Err(error) => tracing::error!(error = &error as &dyn Error, "not imported"),
        }
    }
}

fn work(step: u32) -> Result<u32, std::num::ParseIntError> {
    tracing::debug!("reading");
    ["1", "two", "3"][step as usize - 1].parse()
}
