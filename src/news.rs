//! Word of commits: which was the last, and waiting for the next.

use std::sync::atomic::{AtomicU64, Ordering};

use event_listener::Event;

use crate::Result;
use crate::store::closed;

/// Stands for the number of the last commit once there will be no more.
const CLOSED: u64 = u64::MAX;

/// Tells those who wait that there are commits. It keeps nothing for them: they read what is new from
/// the store.
#[derive(Debug, Default)]
pub(crate) struct News {
    last: AtomicU64,
    event: Event,
}

impl News {
    /// Tells of the commit with this sequence number. Whoever hears of it has yet to get at the store,
    /// so it may be told as long as that is locked.
    pub(crate) fn tell(&self, sequence: u64) {
        self.last.store(sequence, Ordering::Release);
        // It is fenced on both sides: who listens now hears of it, or finds the number.
        self.event.notify(usize::MAX);
    }

    /// Tells that the store is closed.
    pub(crate) fn close(&self) {
        self.tell(CLOSED);
    }

    /// The sequence number of the last commit; 0 before the first.
    pub(crate) fn last(&self) -> Result<u64> {
        match self.last.load(Ordering::Acquire) {
            CLOSED => Err(closed()),
            last => Ok(last),
        }
    }

    /// Waits for a commit after this one.
    pub(crate) async fn after(&self, sequence: u64) -> Result<()> {
        heard(&self.event, &|| self.last().map_or(true, |last| last > sequence)).await;
        self.last().map(drop)
    }
}

/// Waits until this holds; whoever makes it hold tells of it by the event.
pub(crate) async fn heard(event: &Event, holds: &(dyn Fn() -> bool + Sync)) {
    let mut listener = None;
    while !holds() {
        match listener.take() {
            None => listener = Some(event.listen()),
            Some(listener) => listener.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn all_who_wait_hear_of_it_and_of_the_end() {
        let news = News::default();
        assert!(news.after(0).now_or_never().is_none());
        let mut waiting: Vec<_> = (0..3).map(|after| news.after(after).boxed()).collect();
        for waits in &mut waiting {
            assert!(waits.now_or_never().is_none());
        }
        news.tell(2);
        let heard: Vec<bool> =
            waiting.iter_mut().map(|waits| waits.now_or_never().is_some()).collect();
        assert_eq!(heard, [true, true, false]);
        news.close();
        let end = waiting[2].as_mut().now_or_never();
        assert_eq!(end.map(|end| end.map_err(|error| error.kind())), Some(Err(ErrorKind::Closed)));
        assert!(news.last().is_err());
    }

    #[test]
    fn who_no_longer_waits_leaves_nothing_behind() {
        let news = News::default();
        for _ in 0..100 {
            assert!(news.after(0).now_or_never().is_none());
        }
        assert_eq!(news.event.total_listeners(), 0);
    }
}
