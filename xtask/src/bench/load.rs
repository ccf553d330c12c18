//! Many requests over some connections, each connection as fast as it is answered.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::client::Connection;

/// What a load led to.
pub struct Load {
    /// Answers a second.
    pub per_second: f64,
    /// Bytes of bodies a second.
    pub bytes_per_second: f64,
    /// Each request's time.
    pub times: Times,
}

/// Times of equal things, sorted.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Sorts.
    pub fn new(mut times: Vec<Duration>) -> Times {
        times.sort();
        Times(times)
    }

    /// The time that `percent` of them do not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1) - 1;
        self.0.get(rank).copied().unwrap_or_default()
    }
}

/// The bounds of one load: whichever is met first ends it.
#[derive(Clone, Copy)]
pub struct Bounds {
    /// Connections at the same time.
    pub connections: usize,
    /// At most this long.
    pub time: Duration,
    /// At most so many requests.
    pub requests: u64,
}

/// Sends what `make` gives for the running number of the request, until a bound is met. Any refused request is an error.
pub fn run(address: SocketAddr, bounds: Bounds, make: impl Fn(u64) -> Vec<u8> + Sync) -> Result<Load> {
    let next = AtomicU64::new(0);
    let begin = Instant::now();
    let one_connection = || -> Result<(Vec<Duration>, usize)> {
        let mut connection = Connection::new(address);
        let (mut times, mut bytes) = (Vec::new(), 0);
        while begin.elapsed() < bounds.time {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= bounds.requests {
                break;
            }
            let request = make(number);
            let sent = Instant::now();
            let answer = connection.send(&request)?;
            times.push(sent.elapsed());
            answer.expect_success()?;
            bytes += answer.body.len();
            connection.done_with(answer);
        }
        Ok((times, bytes))
    };
    let parts = thread::scope(|scope| {
        let threads: Vec<_> = (0..bounds.connections).map(|_| scope.spawn(one_connection)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().ok().context("a load thread panicked")?;
        threads.into_iter().map(join).collect::<Result<Vec<_>>>()
    })?;
    let elapsed = begin.elapsed().as_secs_f64();
    let bytes: usize = parts.iter().map(|(_, bytes)| bytes).sum();
    let times: Vec<Duration> = parts.into_iter().flat_map(|(times, _)| times).collect();
    Ok(Load {
        per_second: times.len() as f64 / elapsed,
        bytes_per_second: bytes as f64 / elapsed,
        times: Times::new(times),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times = Times::new((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(times.percentile(50), Duration::from_millis(50));
        assert_eq!(times.percentile(99), Duration::from_millis(99));
        assert_eq!(Times::new(vec![Duration::from_millis(7)]).percentile(99), Duration::from_millis(7));
        assert_eq!(Times::default().percentile(50), Duration::ZERO);
    }
}
