//! Who is connected, and who gives way when there is no place left.
//!
//! A connection that waits for its next request costs little and can be opened again, so under pressure the one that has
//! waited longest gives way to the next. One with a request under way is left alone; but there may be fewer of these than
//! there are places, and what operators ask (`/healthz`, `/readyz`, `/metrics`) does not count, so that it is answered
//! whatever else goes on. No peer has a share of its own: all of this machine come from loopback, builds and operators
//! alike, and all behind a proxy from the proxy. Where peers do differ, the one with most connections gives way first.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// How long a connection may wait for its next request when others want its place.
const PRESSED_LIMIT: Duration = Duration::from_secs(1);
/// How long a request waits until there are fewer under way.
const QUEUE_LIMIT: Duration = Duration::from_secs(1);
/// Places that are kept for what operators ask; fewer when there are fewer in all.
const KEPT: usize = 16;
/// The pause between two warnings.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// All places of the server.
pub(super) struct Places {
    limit: usize,
    requests: Arc<Semaphore>,
    table: Mutex<Table>,
    freed: Notify,
}

#[derive(Default)]
struct Table {
    next: u64,
    seats: BTreeMap<u64, Arc<Seat>>,
    warned: Option<Instant>,
    /// Connections that gave way since the last warning.
    gave_way: u64,
}

/// A place while it is taken: it is free when this is dropped.
pub(super) struct Place {
    id: u64,
    seat: Arc<Seat>,
    places: Arc<Places>,
}

/// What is known of one connection.
pub(super) struct Seat {
    peer: IpAddr,
    /// Since when it waits for a request; `None` while one is under way.
    waiting: Mutex<Option<Instant>>,
    unread: AtomicBool,
    gives_way: Notify,
    requests: Arc<Semaphore>,
}

/// A request under way, until its answer is handed over.
pub(super) struct UnderWay {
    seat: Arc<Seat>,
    counted: Option<OwnedSemaphorePermit>,
}

/// There are too many requests under way.
#[derive(Debug)]
pub(super) struct Busy;

impl Places {
    /// `limit` is how many connections may be open.
    pub fn new(limit: usize) -> Arc<Places> {
        let kept = (limit / 10).clamp(1, KEPT).min(limit.saturating_sub(1));
        Arc::new(Places {
            limit,
            requests: Arc::new(Semaphore::new(limit - kept)),
            table: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// Waits for a place for a new connection of `peer`.
    pub async fn take(self: &Arc<Self>, peer: IpAddr) -> Place {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            let pause = match self.try_take(peer, Instant::now()) {
                Ok(place) => return place,
                Err(pause) => pause,
            };
            let _ = timeout(pause, freed).await;
        }
    }

    /// A place, or how long to wait before it is worth looking again.
    fn try_take(self: &Arc<Self>, peer: IpAddr, now: Instant) -> Result<Place, Duration> {
        let mut table = lock(&self.table);
        if table.seats.len() >= self.limit {
            let first = table.first_to_go(now);
            let gone = first.as_ref().ok().and_then(|id| table.seats.remove(id));
            table.gave_way += u64::from(gone.is_some());
            table.warn(now, self.limit);
            match (gone, first) {
                (Some(gone), _) => gone.gives_way.notify_one(),
                (None, Err(pause)) => return Err(pause),
                (None, Ok(_)) => return Err(PRESSED_LIMIT),
            }
        }
        let seat = Arc::new(Seat {
            peer,
            waiting: Mutex::new(Some(now)),
            unread: AtomicBool::new(false),
            gives_way: Notify::new(),
            requests: self.requests.clone(),
        });
        table.next += 1;
        let id = table.next;
        table.seats.insert(id, seat.clone());
        Ok(Place { id, seat, places: self.clone() })
    }
}

impl Table {
    /// Who gives way now, or when to look again.
    fn first_to_go(&self, now: Instant) -> Result<u64, Duration> {
        let mut of_peer = BTreeMap::<IpAddr, usize>::new();
        let mut longest = Duration::ZERO;
        let mut candidates = Vec::new();
        for (id, seat) in &self.seats {
            let Some(since) = *lock(&seat.waiting) else { continue };
            let waited = now.saturating_duration_since(since);
            *of_peer.entry(seat.peer).or_default() += 1;
            longest = longest.max(waited);
            if waited >= PRESSED_LIMIT {
                candidates.push((*id, seat.peer, waited));
            }
        }
        let share = |peer: &IpAddr| of_peer.get(peer).copied().unwrap_or_default();
        let first = candidates.iter().max_by_key(|(_, peer, waited)| (share(peer), *waited));
        first.map(|(id, _, _)| *id).ok_or(PRESSED_LIMIT.saturating_sub(longest).max(Duration::from_millis(1)))
    }

    fn warn(&mut self, now: Instant, limit: usize) {
        if self.warned.is_some_and(|at| now.saturating_duration_since(at) < WARN_EVERY) {
            return;
        }
        self.warned = Some(now);
        tracing::warn!(
            connections = limit,
            gave_way = self.gave_way,
            "as many connections are open as limits.connections allows: those that wait longest for a request are closed"
        );
        self.gave_way = 0;
    }
}

impl Place {
    /// The connection in it.
    pub fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.places.table).seats.remove(&self.id);
        self.places.freed.notify_one();
    }
}

impl Seat {
    /// Ends when the connection has to give way to another.
    pub async fn gives_way(&self) {
        self.gives_way.notified().await;
    }

    /// A request has come. What operators ask is not counted.
    pub async fn begin(self: &Arc<Self>, counts: bool) -> Result<UnderWay, Busy> {
        *lock(&self.waiting) = None;
        self.unread.store(false, Ordering::Relaxed);
        let mut under_way = UnderWay { seat: self.clone(), counted: None };
        if counts {
            let counted = timeout(QUEUE_LIMIT, self.requests.clone().acquire_owned()).await;
            under_way.counted = Some(counted.map_err(|_| Busy)?.map_err(|_| Busy)?);
        }
        Ok(under_way)
    }

    /// The reader has taken something of an answer.
    pub fn moved(&self, now: Instant) {
        if let Some(since) = &mut *lock(&self.waiting) {
            *since = now;
        }
    }

    /// A part of the request's body will not be read.
    pub fn leave_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Whether a part of the last request's body was not read.
    pub fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        *lock(&self.seat.waiting) = Some(Instant::now());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn gave_way(place: &Place) -> bool {
        place.seat().gives_way().now_or_never().is_some()
    }

    fn moment(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[tokio::test]
    async fn who_has_waited_longest_gives_way_and_not_before_a_second() {
        let (places, now) = (Places::new(2), Instant::now());
        let first = places.try_take(HERE, now).unwrap();
        let second = places.try_take(HERE, now + moment(10)).unwrap();
        assert_eq!(places.try_take(HERE, now + moment(900)).err(), Some(moment(100)));
        let third = places.try_take(HERE, now + moment(1000)).unwrap();
        assert!(gave_way(&first) && !gave_way(&second));
        drop(first);
        assert!(places.try_take(HERE, now + moment(1005)).is_err(), "who gave way frees no second place");
        drop(third);
        assert!(places.try_take(HERE, now + moment(1005)).is_ok(), "who leaves does");
    }

    #[tokio::test]
    async fn who_leaves_lets_the_next_in_at_once() {
        let places = Places::new(1);
        let first = places.take(HERE).await;
        let _under_way = first.seat().begin(true).await.unwrap();
        let mut next = Box::pin(places.take(HERE));
        assert!(next.as_mut().now_or_never().is_none());
        drop(first);
        next.await;
    }

    #[tokio::test]
    async fn a_request_under_way_is_left_alone_and_a_reader_that_reads_is_too() {
        let (places, now) = (Places::new(2), Instant::now());
        let (works, reads) = (places.try_take(HERE, now).unwrap(), places.try_take(HERE, now).unwrap());
        let _under_way = works.seat().begin(true).await.unwrap();
        reads.seat().moved(now + moment(1500));
        assert!(places.try_take(HERE, now + moment(2000)).is_err());
        let _next = places.try_take(HERE, now + moment(2500)).unwrap();
        assert!(gave_way(&reads) && !gave_way(&works));
    }

    #[tokio::test]
    async fn the_peer_with_most_connections_gives_way_first() {
        let (places, now) = (Places::new(3), Instant::now());
        let quiet = places.try_take("10.0.0.1".parse().unwrap(), now).unwrap();
        let one = places.try_take(HERE, now + moment(10)).unwrap();
        let other = places.try_take(HERE, now + moment(20)).unwrap();
        let _next = places.try_take("10.0.0.2".parse().unwrap(), now + moment(2000)).unwrap();
        assert!(gave_way(&one) && !gave_way(&other) && !gave_way(&quiet));
    }

    #[tokio::test]
    async fn what_operators_ask_is_answered_when_as_many_requests_as_may_be_are_under_way() {
        let (places, now) = (Places::new(3), Instant::now());
        let [a, b, c] = [0, 1, 2].map(|_| places.try_take(HERE, now).unwrap());
        let (first, _second) = (a.seat().begin(true).await.unwrap(), b.seat().begin(true).await.unwrap());
        assert!(c.seat().begin(true).await.is_err());
        assert!(c.seat().begin(false).await.is_ok());
        drop(first);
        assert!(c.seat().begin(true).await.is_ok());
    }
}
