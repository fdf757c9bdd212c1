//! Where checks take place: stores to try, and something to run tasks side by side.

use std::fmt::{self, Debug};
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use futures::channel::oneshot;
use futures::future::join_all;

use super::failure::{Failure, Outcome};
use crate::{BoxFuture, DagStore, Limits, MaybeSend, MaybeSync, Result};

/// Makes stores to try. Any `async fn(Limits) -> Result<Arc<dyn DagStore>>` is one.
pub trait Factory: MaybeSend + MaybeSync {
    /// A fresh and empty store with these limits, which shares nothing with those made before.
    fn open(&self, limits: Limits) -> BoxFuture<'_, Result<Arc<dyn DagStore>>>;
}

impl<F, Opening> Factory for F
where
    F: Fn(Limits) -> Opening + MaybeSend + MaybeSync,
    Opening: Future<Output = Result<Arc<dyn DagStore>>> + MaybeSend + 'static,
{
    fn open(&self, limits: Limits) -> BoxFuture<'_, Result<Arc<dyn DagStore>>> {
        Box::pin(self(limits))
    }
}

/// Runs tasks, on threads for preference. Any `Fn(BoxFuture<'static, ()>)` is one.
pub trait Spawn: MaybeSend + MaybeSync {
    /// Starts this task, and sees it through.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

impl<F: Fn(BoxFuture<'static, ()>) + MaybeSend + MaybeSync> Spawn for F {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self(task);
    }
}

/// Where checks take place. A clone is the same lab.
#[derive(Clone)]
pub struct Lab {
    factory: Arc<dyn Factory>,
    spawner: Option<Arc<dyn Spawn>>,
}

impl Lab {
    /// A lab that tries the stores of this factory, with tasks that take turns on one thread.
    pub fn new(factory: impl Factory + 'static) -> Self {
        Lab { factory: Arc::new(factory), spawner: None }
    }

    /// The same lab with tasks that run wherever this spawner takes them.
    ///
    /// # Examples
    ///
    /// With tokio, `Lab::new(open).with_spawner(|task| drop(tokio::spawn(task)))`.
    #[must_use]
    pub fn with_spawner(self, spawner: impl Spawn + 'static) -> Self {
        Lab { spawner: Some(Arc::new(spawner)), ..self }
    }

    /// A fresh and empty store with the limits that are usual.
    pub(super) async fn store(&self) -> Outcome<Arc<dyn DagStore>> {
        self.store_with(Limits::default()).await
    }

    /// A fresh and empty store with these limits.
    pub(super) async fn store_with(&self, limits: Limits) -> Outcome<Arc<dyn DagStore>> {
        let store = self.factory.open(limits.clone()).await?;
        if *store.limits() != limits {
            return Err(Failure::new("the factory's store does not have the limits asked for"));
        }
        if store.len(None).await? != 0 {
            return Err(Failure::new("the factory's store is not empty"));
        }
        Ok(store)
    }

    /// Runs these tasks side by side and waits for all of them. Their results come in their order;
    /// the first failure counts.
    pub(super) async fn all<T: MaybeSend + 'static>(
        &self,
        tasks: Vec<BoxFuture<'static, Outcome<T>>>,
    ) -> Outcome<Vec<T>> {
        let outcomes = match &self.spawner {
            None => join_all(tasks).await,
            Some(spawner) => {
                let running = tasks.into_iter().map(|task| {
                    let (done, outcome) = oneshot::channel();
                    // Nobody listens any more only where the check itself has been dropped.
                    spawner.spawn(Box::pin(async move { drop(done.send(task.await)) }));
                    async { outcome.await.unwrap_or_else(|_| Err(Failure::new("a task died"))) }
                });
                join_all(running).await
            }
        };
        outcomes.into_iter().collect()
    }
}

impl Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lab").field("spawns", &self.spawner.is_some()).finish_non_exhaustive()
    }
}

/// Lets the other tasks have this many turns.
pub(super) async fn give_way(turns: usize) {
    for _ in 0..turns {
        let mut given = false;
        poll_fn(|context| {
            if given {
                return Poll::Ready(());
            }
            given = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Polls a future once, as a caller would who then does something else.
pub(super) async fn poll_once<T>(future: &mut BoxFuture<'_, T>) -> Poll<T> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// Polls a future this many times, each when it has asked to be, and drops it; `None` where it was
/// not done by then.
pub(super) async fn cancelled_after<T>(polls: usize, mut future: BoxFuture<'_, T>) -> Option<T> {
    let mut left = polls;
    poll_fn(|context| {
        if left > 0 {
            left -= 1;
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                return Poll::Ready(Some(value));
            }
        }
        if left == 0 { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}
