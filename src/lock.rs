//! The locks in use, named once: async-lock's, or tokio's under the feature `tokio`. No lock and no
//! guard is part of the public API, so the choice changes no signature and no behaviour.

#[cfg(not(any(feature = "tokio", js_host)))]
pub(crate) use async_lock::RwLock;
#[cfg(all(js_host, not(feature = "tokio")))]
pub(crate) use single::RwLock;
#[cfg(feature = "tokio")]
pub(crate) use tokio::sync::RwLock;

/// For a JavaScript engine, where there is one thread, and nobody waits while he reads.
///
/// async-lock's `RwLock` must not be held there while the event loop takes a turn: a reader that was
/// woken passes the news on before it looks whether it is true, so that two readers wake each other for
/// as long as a writer holds the lock. As microtasks they would not even let the turn come.
#[cfg(all(js_host, not(feature = "tokio")))]
mod single {
    use async_lock::{Mutex, MutexGuard};

    #[derive(Debug)]
    pub(crate) struct RwLock<T>(Mutex<T>);

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            RwLock(Mutex::new(value))
        }

        pub(crate) async fn read(&self) -> MutexGuard<'_, T> {
            self.0.lock().await
        }

        pub(crate) async fn write(&self) -> MutexGuard<'_, T> {
            self.0.lock().await
        }
    }
}
