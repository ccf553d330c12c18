//! Ctrl-C and its like: the first asks for an end, the second takes it.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::CliError;

/// How often the user (or the system) has asked for an end.
#[derive(Clone, Debug)]
pub struct Interrupts(watch::Receiver<u32>);

impl Interrupts {
    /// Begins to listen; from here on signals do not end the process by themselves.
    pub fn listen() -> Result<Interrupts, CliError> {
        let (count, counted) = watch::channel(0);
        let of = |kind| signal(kind).map_err(CliError::environment);
        let (mut interrupt, mut terminate) = (of(SignalKind::interrupt())?, of(SignalKind::terminate())?);
        let mut hang_up = of(SignalKind::hangup())?;
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hang_up.recv() => {}
                }
                count.send_modify(|count| *count += 1);
            }
        });
        Ok(Interrupts(counted))
    }

    /// Whether an end was asked for.
    pub fn any(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Ends when an end was asked for so many times.
    pub async fn reach(&self, times: u32) {
        let mut count = self.0.clone();
        if count.wait_for(|count| *count >= times).await.is_err() {
            // Nobody counts any more: it will not come.
            std::future::pending::<()>().await;
        }
    }
}
