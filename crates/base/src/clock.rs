//! The seams for time and fresh identifiers, with the real and the test implementations.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now, UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::EPOCH + since
    }
}

/// A clock that a test moves by hand.
#[derive(Debug)]
pub struct FakeClock(AtomicI64);

impl FakeClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        FakeClock(AtomicI64::new(start.micros()))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Mints fresh identifiers.
pub trait Ids: Send + Sync + 'static {
    /// A fresh UUID.
    fn uuid(&self) -> Uuid;

    /// `len` random bytes, for secrets and access keys.
    fn bytes(&self, len: usize) -> Vec<u8>;

    /// `len` characters of `A-Z2-7`, as access key ids and the like have them.
    fn base32(&self, len: usize) -> String {
        self.bytes(len).iter().map(|b| BASE32[usize::from(*b) & 31] as char).collect()
    }
}

/// Identifiers from the operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "the one place that mints random identifiers")]
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn bytes(&self, len: usize) -> Vec<u8> {
        let mut out = vec![0; len];
        // The source fails only before the kernel has seeded it; weak secrets would be worse than stopping.
        assert!(aws_lc_rs::rand::fill(&mut out).is_ok(), "the operating system gave no random bytes");
        out
    }
}

/// Predictable identifiers for tests: 00000000-0000-4000-8000-000000000001 and so on.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl Ids for SequentialIds {
    fn uuid(&self) -> Uuid {
        let n = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0000 + u128::from(n))
    }

    fn bytes(&self, len: usize) -> Vec<u8> {
        let n = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        n.to_be_bytes().into_iter().rev().cycle().take(len).collect()
    }

    // The default keeps five bits of each byte, which would repeat after 32.
    fn base32(&self, len: usize) -> String {
        let n = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        (0..len).map(|i| BASE32[((n >> ((5 * i) % 60)) & 31) as usize] as char).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_tests_do_not_repeat() {
        let ids = SequentialIds::default();
        let minted: std::collections::HashSet<String> = (0..5000).map(|_| ids.base32(16)).collect();
        assert_eq!(minted.len(), 5000);
        assert!(minted.iter().all(|id| id.len() == 16));
    }
}
