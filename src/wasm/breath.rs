//! Turns of the event loop, taken in the midst of long work.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static HOST: RefCell<Option<Function>> = const { RefCell::new(None) };
    static WAITING: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
    /// How many turns were taken.
    static BREATHS: Cell<u64> = const { Cell::new(0) };
}

/// Sets what is called when work wants the event loop to take a turn: it must see to it that
/// [`breathed`] is called after that. Until it is set nothing waits.
#[wasm_bindgen(js_name = onBreathe)]
pub fn on_breathe(host: Function) {
    HOST.with_borrow_mut(|slot| *slot = Some(host));
}

/// The event loop has taken a turn: all that waits goes on.
#[wasm_bindgen]
pub fn breathed() {
    #[cfg(feature = "faults")]
    super::faults::in_callback();
    BREATHS.set(BREATHS.get() + 1);
    WAITING.take().into_iter().for_each(Waker::wake);
}

/// Waits until the event loop has taken a turn.
pub(crate) fn breathe() -> Breath {
    Breath { begun: None }
}

/// A turn of the event loop, to be waited for.
#[derive(Debug)]
pub(crate) struct Breath {
    /// How many turns had been taken when the wait began.
    begun: Option<u64>,
}

impl Future for Breath {
    type Output = ();

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let breaths = BREATHS.get();
        if *self.begun.get_or_insert(breaths) != breaths {
            return Poll::Ready(());
        }
        let first = WAITING.with_borrow_mut(|waiting| {
            waiting.push(context.waker().clone());
            waiting.len() == 1
        });
        if first && !ask() {
            WAITING.take();
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

/// Asks the host for a turn; `false` if it doesn't give any.
pub(super) fn ask() -> bool {
    HOST.with_borrow(|host| host.as_ref().is_some_and(|host| host.call0(&JsValue::NULL).is_ok()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;

    use futures::FutureExt as _;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::pace::{Job, Pace};
    use crate::{Changes, DagNode, DagStoreBatch, ErrorKind, Result, SharedDagStore};

    /// Enough for every part of a call to pause.
    const NODES: u64 = 6_000;

    /// A host that gives a turn when the test calls `breathed`.
    fn host() {
        on_breathe(Function::new_no_args(""));
    }

    fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    /// Runs a future for so many turns at most, then drops it.
    fn run_for<T>(turns: usize, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        for _ in 0..turns {
            if let Some(value) = poll(future.as_mut()) {
                return Some(value);
            }
            breathed();
        }
        poll(future)
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        run_for(10_000, future).unwrap()
    }

    /// Each the child of the one before; staged in reverse, so that they have to be put in order.
    fn nodes() -> Vec<DagNode> {
        let mut nodes: Vec<DagNode> = Vec::new();
        for number in 0..NODES {
            let node = DagNode::builder().content(number).event_type("vote").scope_id("s");
            let parent = nodes.last().map(|parent| parent.cid().unwrap());
            nodes.push(node.timestamp(number).parents(parent).build().unwrap());
        }
        nodes.reverse();
        nodes
    }

    fn insertion(nodes: &[DagNode]) -> Changes {
        let mut changes = Changes::new();
        nodes.iter().for_each(|node| changes.insert(node.clone()));
        changes
    }

    #[wasm_bindgen_test]
    fn nothing_waits_where_nobody_gives_turns() {
        HOST.set(None);
        assert!(breathe().now_or_never().is_some());
        assert!(WAITING.with_borrow(Vec::is_empty));
    }

    #[wasm_bindgen_test]
    fn a_commit_that_is_dropped_between_turns_is_whole_or_was_not() {
        host();
        let nodes = nodes();
        let mut seen = Vec::new();
        for turns in 0.. {
            let store = SharedDagStore::new();
            let committed = run_for(turns, store.commit(insertion(&nodes))).is_some();
            let there = store.len(None).now_or_never().unwrap().unwrap();
            assert!(there == 0 || there == NODES, "{there} nodes after {turns} turns");
            assert!(there == NODES || !committed);
            seen.push((committed, there));
            run(store.insert(nodes[NODES as usize - 1].clone())).unwrap();
            assert_eq!(run(store.verify()).unwrap().nodes, there.max(1));
            if committed {
                break;
            }
        }
        assert!(seen.contains(&(false, 0)), "never dropped before it was applied: {seen:?}");
        assert!(seen.contains(&(false, NODES)), "never dropped half applied: {seen:?}");
    }

    #[wasm_bindgen_test]
    fn a_commit_that_is_given_up_changes_nothing_unless_it_is_too_late() {
        host();
        let nodes = nodes();
        let mut seen = Vec::new();
        for turns in 0.. {
            let store = SharedDagStore::new();
            let job = Arc::new(Job::default());
            let mut pace = Pace::of(Arc::clone(&job));
            let mut commit = pin!(store.commit_at(&mut pace, insertion(&nodes)));
            let mut outcome = None;
            for _ in 0..turns {
                outcome = outcome.or_else(|| poll(commit.as_mut()));
                breathed();
            }
            let ended = outcome.is_some();
            job.abort();
            let outcome = outcome.unwrap_or_else(|| run(commit));
            let there = run(store.len(None)).unwrap();
            match &outcome {
                Ok(commit) => assert_eq!((commit.inserted.len() as u64, there), (NODES, NODES)),
                Err(error) => assert_eq!((error.kind(), there), (ErrorKind::Aborted, 0)),
            }
            seen.push((ended, outcome.is_ok()));
            if ended {
                break;
            }
        }
        assert!(seen.contains(&(false, false)) && seen.contains(&(false, true)), "{seen:?}");
    }

    #[wasm_bindgen_test]
    fn staging_that_is_dropped_between_turns_is_whole() {
        host();
        let nodes = nodes();
        let (store, mut turns, mut dropped) = (Arc::new(SharedDagStore::new()), 0, 0);
        loop {
            let mut batch = DagStoreBatch::new(Arc::clone(&store));
            let many = nodes.iter().chain(&nodes).cloned();
            let done = run_for(turns, batch.insert_many(many)).is_some();
            assert_eq!(batch.len() as u64, NODES, "after {turns} turns");
            if done {
                break;
            }
            (turns, dropped) = (turns + 1, dropped + 1);
        }
        assert!(dropped > 0);
    }

    #[wasm_bindgen_test]
    fn reads_wait_for_a_commit_and_then_see_all_of_it() {
        host();
        let nodes = nodes();
        let store = SharedDagStore::new();
        let mut commit = pin!(store.commit(insertion(&nodes)));
        assert!(poll(commit.as_mut()).is_none());
        while store.len(None).now_or_never().is_some() {
            breathed();
            assert!(poll(commit.as_mut()).is_none(), "it never held the store");
        }
        let first = nodes[0].cid().unwrap();
        let mut get = pin!(store.get(first));
        assert!(poll(get.as_mut()).is_none());
        run(commit).unwrap();
        assert_eq!(run(get).unwrap(), Some(nodes[0].clone()));
    }

    #[wasm_bindgen_test]
    fn a_state_hash_that_is_dropped_goes_on_where_it_was() {
        host();
        let nodes = nodes();
        let (store, other) = (SharedDagStore::new(), SharedDagStore::new());
        run(store.insert_many(nodes.clone())).unwrap();
        run(other.insert_many(nodes)).unwrap();
        let mut dropped = 0;
        let hash = loop {
            match run_for(0, store.state_hash(None)) {
                Some(hash) => break hash.unwrap(),
                None => dropped += 1,
            }
        };
        assert!(dropped > 1);
        assert_eq!(
            hash,
            run(other.state_hash(Some("s")).then(|_| other.state_hash(None))).unwrap()
        );
    }

    #[wasm_bindgen_test]
    fn verification_begins_anew_beside_a_writer_and_holds_it_off_at_last() -> Result<()> {
        host();
        let nodes = nodes();
        let store = SharedDagStore::new();
        run(store.insert_many(nodes.clone()))?;
        let mut verify = pin!(store.verify());
        let mut written = 0;
        let verified = loop {
            if let Some(verified) = poll(verify.as_mut()) {
                break verified?;
            }
            let node = DagNode::builder().content(written).event_type("vote").scope_id("other");
            if store.insert(node.timestamp(0).build()?).now_or_never().is_some() {
                written += 1;
            }
            breathed();
        };
        assert!(written > 2, "{written} writes came in between");
        assert!(verified.nodes > NODES);
        Ok(())
    }
}
