//! Long work, done in pieces, so that others get their turn in between.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::thread;

use event_listener::Event;

use crate::news::heard;
use crate::platform::{self, Breath};
use crate::{DagError, ErrorKind, Result};

/// How many units of work are done in one go: a few milliseconds of a JavaScript engine's time, and
/// more than all that a commit of 1,000 small nodes takes. A unit is about half a microsecond there.
const UNITS: usize = 1 << 13;

/// Units that it takes to copy so many bytes.
pub(crate) fn to_copy(bytes: usize) -> usize {
    bytes / (1 << 11)
}

/// Units that it takes to hash so many bytes.
pub(crate) fn to_hash(bytes: usize) -> usize {
    bytes / (1 << 7)
}

/// What a long call tells while it runs, and is told.
#[derive(Debug, Default)]
pub(crate) struct Job {
    done: AtomicUsize,
    total: AtomicUsize,
    aborted: AtomicBool,
    abortion: Event,
}

#[cfg_attr(
    not(any(test, all(js_host, feature = "npm"))),
    allow(dead_code, reason = "for bindings")
)]
impl Job {
    /// Asks the call to end. It does so unless it has begun what can't be left half done.
    pub(crate) fn abort(&self) {
        self.aborted.store(true, Ordering::Relaxed);
        self.abortion.notify(usize::MAX);
    }

    /// Waits until the call is to end: for one that waits itself.
    pub(crate) async fn aborted(&self) -> DagError {
        heard(&self.abortion, &|| self.aborted.load(Ordering::Relaxed)).await;
        given_up()
    }

    /// Units of work that were done, of those in all.
    pub(crate) fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed).min(self.total())
    }

    /// Units of work in all, as far as known.
    pub(crate) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }
}

fn given_up() -> DagError {
    DagError::new(ErrorKind::Aborted, "the caller gave the call up")
}

/// Counts the work of one call, and pauses when it was much.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// Units of work since the last pause.
    since: usize,
    job: Option<Arc<Job>>,
}

impl Pace {
    /// The pace of a call that somebody follows.
    #[cfg(any(test, all(js_host, feature = "npm")))]
    pub(crate) fn of(job: Arc<Job>) -> Self {
        Pace { since: 0, job: Some(job) }
    }

    /// Tells how much it will be about, unless whoever called has told of more than this already.
    pub(crate) fn expect(&self, units: usize) {
        if let Some(job) = &self.job {
            job.total.fetch_max(units, Ordering::Relaxed);
        }
    }

    /// Tells that this was all.
    #[cfg(any(test, all(js_host, feature = "npm")))]
    pub(crate) fn finish(&self) {
        if let Some(job) = &self.job {
            job.done.store(usize::MAX, Ordering::Relaxed);
        }
    }

    /// Fails if the call is to end.
    #[inline(never)]
    pub(crate) fn check(&self) -> Result<()> {
        match &self.job {
            Some(job) if job.aborted.load(Ordering::Relaxed) => Err(given_up()),
            _ => Ok(()),
        }
    }

    /// Notes work that was done, and pauses if it is time for that. Fails if the call is to end.
    pub(crate) fn worked(&mut self, units: usize) -> Worked<'_> {
        Worked { pause: self.went_on(units), pace: self }
    }

    /// The same for work that must go on.
    pub(crate) fn went_on(&mut self, units: usize) -> Pause {
        Pause(self.is_due(units).then(platform::breathe))
    }

    /// Does what can't be left half done: calls `step`, which tells how much it did, until nothing is
    /// left to do. If the future is dropped while it pauses, the rest is done then and there.
    pub(crate) async fn see_through(&mut self, step: impl FnMut() -> Option<usize>) {
        let mut rest = Rest { step, ended: false };
        while let Some(units) = rest.step() {
            self.went_on(units).await;
        }
    }

    #[inline(never)]
    fn is_due(&mut self, units: usize) -> bool {
        if let Some(job) = &self.job {
            job.done.fetch_add(units, Ordering::Relaxed);
        }
        self.since += units;
        let due = self.since >= UNITS;
        if due {
            self.since = 0;
        }
        due
    }
}

/// A pause, where it is time for one.
///
/// It is written by hand, as is [`Worked`], since every loop of a long call waits for one: the compiler
/// would write out a copy of the whole wait in each.
#[derive(Debug)]
#[must_use = "waits only if it is awaited"]
pub(crate) struct Pause(Option<Breath>);

impl Future for Pause {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().map_or(Poll::Ready(()), |breath| Pin::new(breath).poll(context))
    }
}

/// A [`Pause`] after which the call may be to end.
#[derive(Debug)]
#[must_use = "waits only if it is awaited"]
pub(crate) struct Worked<'a> {
    pause: Pause,
    pace: &'a Pace,
}

impl Future for Worked<'_> {
    type Output = Result<()>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.pause.0.is_none() {
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.pause).poll(context));
        Poll::Ready(self.pace.check())
    }
}

struct Rest<F: FnMut() -> Option<usize>> {
    step: F,
    ended: bool,
}

impl<F: FnMut() -> Option<usize>> Rest<F> {
    fn step(&mut self) -> Option<usize> {
        let worked = (self.step)();
        self.ended = worked.is_none();
        worked
    }
}

impl<F: FnMut() -> Option<usize>> Drop for Rest<F> {
    fn drop(&mut self) {
        // A step that panicked is not tried again.
        while !self.ended && !thread::panicking() {
            self.step();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_call_that_is_given_up_ends_at_its_next_pause() {
        let job = Arc::new(Job::default());
        let mut pace = Pace::of(Arc::clone(&job));
        pace.expect(UNITS + 1);
        pace.worked(UNITS - 1).now_or_never().unwrap().unwrap();
        assert!(job.aborted().now_or_never().is_none());
        let mut waits = job.aborted().boxed();
        assert!(waits.as_mut().now_or_never().is_none());
        job.abort();
        assert!(waits.now_or_never().is_some());
        let error = pace.worked(1).now_or_never().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Aborted);
        assert_eq!(pace.check().unwrap_err().kind(), ErrorKind::Aborted);
        pace.went_on(UNITS).now_or_never().unwrap();
        // More than was expected looks like all of it.
        assert_eq!((job.done(), job.total()), (UNITS + 1, UNITS + 1));
    }

    #[test]
    fn all_is_done_in_the_end_and_not_before() {
        let job = Arc::new(Job::default());
        let mut pace = Pace::of(Arc::clone(&job));
        pace.expect(100);
        pace.expect(60);
        pace.worked(60).now_or_never().unwrap().unwrap();
        assert_eq!((job.done(), job.total()), (60, 100));
        pace.finish();
        assert_eq!((job.done(), job.total()), (100, 100));
    }

    #[test]
    fn what_is_seen_through_goes_to_its_end_where_it_is_dropped() {
        let mut left = 10;
        let mut rest = Rest {
            step: || {
                left -= 1;
                (left > 0).then_some(1)
            },
            ended: false,
        };
        assert_eq!(rest.step(), Some(1));
        drop(rest);
        assert_eq!(left, 0);
    }
}
