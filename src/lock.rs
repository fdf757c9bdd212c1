//! The locks in use, named once: async-lock's, or tokio's under the feature `tokio`. No lock and no
//! guard is part of the public API, so the choice changes no signature and no behaviour.

use std::ops::DerefMut;

#[cfg(not(any(feature = "tokio", js_host)))]
pub(crate) use async_lock::RwLock;
#[cfg(all(js_host, not(feature = "tokio")))]
pub(crate) use single::RwLock;
#[cfg(feature = "tokio")]
pub(crate) use tokio::sync::RwLock;

/// Takes a lock alone.
pub(crate) async fn write<T>(lock: &RwLock<T>) -> impl DerefMut<Target = T> {
    // async-lock's own future begins to listen for readers before it looks whether there are any.
    #[cfg(not(any(feature = "tokio", js_host)))]
    if let Some(guard) = lock.try_write() {
        return guard;
    }
    lock.write().await
}

/// For a JavaScript engine, where there is one thread, and nobody waits while he reads: all take turns,
/// in the order in which they came.
///
/// async-lock's `RwLock` must not be held there while the event loop takes a turn: a reader that was
/// woken passes the news on before it looks whether it is true, so that two readers wake each other for
/// as long as a writer holds the lock. As microtasks they would not even let the turn come.
#[cfg(all(js_host, not(feature = "tokio")))]
mod single {
    use std::cell::{RefCell, RefMut};
    use std::future::Future;
    use std::ops::{Deref, DerefMut};
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use crate::gate::{Entering, Gate, Turn};

    #[derive(Debug)]
    pub(crate) struct RwLock<T> {
        gate: Gate,
        value: RefCell<T>,
    }

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            RwLock { gate: Gate::default(), value: RefCell::new(value) }
        }

        pub(crate) fn read(&self) -> Locking<'_, T> {
            self.write()
        }

        pub(crate) fn write(&self) -> Locking<'_, T> {
            Locking { entering: self.gate.enter(), value: &self.value }
        }
    }

    pub(crate) struct Locking<'a, T> {
        entering: Entering<'a>,
        value: &'a RefCell<T>,
    }

    impl<'a, T> Future for Locking<'a, T> {
        type Output = Guard<'a, T>;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Guard<'a, T>> {
            let turn = ready!(Pin::new(&mut self.entering).poll(context));
            // Whoever had the turn before has given the value back first.
            Poll::Ready(Guard { value: self.value.borrow_mut(), _turn: turn })
        }
    }

    /// The value, and then the turn, are given back in this order.
    pub(crate) struct Guard<'a, T> {
        value: RefMut<'a, T>,
        _turn: Turn<'a>,
    }

    impl<T> Deref for Guard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.value
        }
    }

    impl<T> DerefMut for Guard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.value
        }
    }
}
