//! A line on stderr for whoever waits for an answer.

use std::io::{self, IsTerminal};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use logstore::Progress;

/// After how long of waiting the line appears.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often it is drawn again.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// What is shown when it is known how much there is to do, and when it is not.
const MEASURED: &str = "{prefix} {bar:30} {percent:>3} %  {elapsed}";
const UNMEASURED: &str = "{prefix} {spinner} {elapsed}";

/// Shows progress once there has been some waiting, on a terminal alone, and takes it away when dropped.
pub(super) struct Waiting {
    /// Nothing is ever sent: the thread ends when this is gone.
    running: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Waiting {
    /// Says what is being done.
    pub(super) fn start(doing: &'static str, progress: &Progress) -> Self {
        let (running, ended) = bounded(0);
        let progress = progress.clone();
        let thread = io::stderr().is_terminal().then(|| {
            Builder::new()
                .name("logstore-progress".into())
                .spawn(move || show(doing, &progress, &ended))
        });
        Waiting {
            running: Some(running),
            // An answer without a line is still an answer.
            thread: thread.and_then(Result::ok),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.running = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn show(doing: &'static str, progress: &Progress, ended: &Receiver<()>) {
    let waits = |time| ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
    if !waits(PATIENCE) {
        return;
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        .with_elapsed(PATIENCE)
        .with_prefix(doing)
        .with_style(style(UNMEASURED));
    loop {
        let total = progress.total();
        if total > 0 && bar.length() != Some(total) {
            bar.set_style(style(MEASURED));
            bar.set_length(total);
        }
        bar.set_position(progress.done());
        bar.tick();
        if !waits(DRAW_EVERY) {
            return bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the tests try both")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lines_can_be_drawn() {
        style(MEASURED);
        style(UNMEASURED);
    }
}
