//! First come, first served: the gate that every commit of a store passes.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Lets one commit through at a time, in the order in which they came.
///
/// A lock would not do: those of async-lock let a newcomer in before those who wait, and then the
/// writes of one task could take effect in another order than it made them.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    last_ticket: u64,
    /// Whose turn it is, whether they know already or have just been woken.
    turn: Option<u64>,
    /// Who waits, in their order.
    waiting: VecDeque<(u64, Waker)>,
}

impl Line {
    /// Gives the turn to the next who waits; the caller wakes them.
    fn pass_on(&mut self) -> Option<Waker> {
        let next = self.waiting.pop_front();
        self.turn = next.as_ref().map(|(ticket, _)| *ticket);
        next.map(|(_, waker)| waker)
    }

    /// Where somebody waits, or where their place would be.
    fn place(&self, ticket: u64) -> Result<usize, usize> {
        self.waiting.binary_search_by_key(&ticket, |(ticket, _)| *ticket)
    }
}

impl Gate {
    /// Waits for a turn. One's place in the line is taken at the first poll.
    pub(crate) fn enter(&self) -> Entering<'_> {
        Entering { gate: self, ticket: None }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing panics while it is held; and if something did, the line would still be in order.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next one through, where the turn was [kept](Turn::keep).
    #[inline(never)]
    pub(crate) fn pass_on(&self) {
        let next = self.line().pass_on();
        if let Some(next) = next {
            next.wake();
        }
    }
}

/// A commit waiting for its turn. Dropping it leaves the line.
#[derive(Debug)]
pub(crate) struct Entering<'a> {
    gate: &'a Gate,
    ticket: Option<u64>,
}

impl<'a> Future for Entering<'a> {
    type Output = Turn<'a>;

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Turn<'a>> {
        let gate = self.gate;
        let mut line = gate.line();
        let ticket = *self.ticket.get_or_insert_with(|| {
            line.last_ticket += 1;
            line.last_ticket
        });
        let turn = *line.turn.get_or_insert(ticket);
        if turn != ticket {
            let waker = context.waker().clone();
            match line.place(ticket) {
                Ok(place) => line.waiting[place].1 = waker,
                Err(_) => line.waiting.push_back((ticket, waker)),
            }
            return Poll::Pending;
        }
        drop(line);
        self.ticket = None;
        Poll::Ready(Turn { gate })
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut line = self.gate.line();
        if let Ok(place) = line.place(ticket) {
            line.waiting.remove(place);
        }
        let was_given_the_turn = line.turn == Some(ticket);
        drop(line);
        if was_given_the_turn {
            self.gate.pass_on();
        }
    }
}

/// A turn at the gate; dropping it lets the next one through.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    gate: &'a Gate,
}

impl Turn<'_> {
    /// Keeps the turn for whoever calls [`Gate::pass_on`], which they must, once.
    #[cfg(threads)]
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.gate.pass_on();
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use futures::FutureExt as _;
    use futures::future::BoxFuture;

    use super::*;

    fn poll<T>(future: &mut BoxFuture<'_, T>) -> Option<T> {
        match future.poll_unpin(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn turns_are_given_in_the_order_of_first_polls() {
        let gate = Gate::default();
        let mut first = gate.enter().boxed();
        let mut second = gate.enter().boxed();
        let mut third = gate.enter().boxed();
        let turn = poll(&mut first).unwrap();
        assert!(poll(&mut third).is_none());
        assert!(poll(&mut second).is_none());
        drop(turn);
        assert!(poll(&mut second).is_none(), "the third came before the second");
        assert!(poll(&mut gate.enter().boxed()).is_none(), "a newcomer waits behind both");
        let turn = poll(&mut third).unwrap();
        drop(turn);
        assert!(poll(&mut second).is_some());
    }

    #[test]
    fn who_leaves_the_line_passes_the_turn_on() {
        let gate = Gate::default();
        let turn = poll(&mut gate.enter().boxed()).unwrap();
        let mut leaver = gate.enter().boxed();
        let mut next = gate.enter().boxed();
        assert!(poll(&mut leaver).is_none() && poll(&mut next).is_none());
        drop(turn); // the leaver has the turn now, and does not know
        drop(leaver);
        assert!(poll(&mut next).is_some());
    }
}
