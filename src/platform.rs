//! What differs between platforms, in one place: whether futures must be `Send`, how others get their
//! turn, how much memory there is, the clock, and randomness. `build.rs` names the platform that differs: `js_host`, WebAssembly in a JavaScript
//! engine.

use std::future::Future;
use std::pin::Pin;

use futures::Stream;

use crate::Result;

#[cfg(not(js_host))]
mod bounds {
    /// `Send` natively, nothing in a JavaScript engine, whose values never leave their thread.
    pub trait MaybeSend: Send {}
    impl<T: Send + ?Sized> MaybeSend for T {}

    /// `Sync` natively, nothing in a JavaScript engine.
    pub trait MaybeSync: Sync {}
    impl<T: Sync + ?Sized> MaybeSync for T {}
}

#[cfg(js_host)]
mod bounds {
    /// `Send` natively, nothing in a JavaScript engine, whose values never leave their thread.
    pub trait MaybeSend {}
    impl<T: ?Sized> MaybeSend for T {}

    /// `Sync` natively, nothing in a JavaScript engine.
    pub trait MaybeSync {}
    impl<T: ?Sized> MaybeSync for T {}
}

pub use bounds::{MaybeSend, MaybeSync};

/// A boxed future: `Send` natively, not in a JavaScript engine. What the methods of `DagStore` return.
#[cfg(not(js_host))]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A boxed future: `Send` natively, not in a JavaScript engine. What the methods of `DagStore` return.
#[cfg(js_host)]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A boxed stream: `Send` natively, not in a JavaScript engine.
#[cfg(not(js_host))]
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;
/// A boxed stream: `Send` natively, not in a JavaScript engine.
#[cfg(js_host)]
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + 'a>>;

/// Lets others run in the midst of long work, where it keeps them from it: in a JavaScript engine, once
/// its bindings have told how. Elsewhere there are threads, and nothing waits.
#[cfg(not(all(js_host, feature = "npm")))]
pub(crate) fn breathe() -> Breath {
    std::future::ready(())
}
/// What [`breathe`] waits for.
#[cfg(not(all(js_host, feature = "npm")))]
pub(crate) type Breath = std::future::Ready<()>;
#[cfg(all(js_host, feature = "npm"))]
pub(crate) use crate::wasm::{Breath, breathe};

/// Runs what blocks on a thread that is there for that: one of tokio's where a runtime of tokio's is
/// running and the feature is on, else one of the crate `blocking`.
///
/// If the future is dropped, the work is done nevertheless, or not begun.
#[cfg(threads)]
pub(crate) async fn unblock<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        return match runtime.spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(crate::DagError::new(
                    crate::ErrorKind::Aborted,
                    "the runtime was shut down before this was begun",
                )
                .with_source(error)),
            },
        };
    }
    blocking::unblock(work).await
}

/// Whether it is known that memory runs out before it does, so that it is worth counting what something takes.
pub(crate) const MEMORY_IS_TOLD: bool = cfg!(js_host);
/// Bytes that are left free by whatever takes memory: for all the small things that don't ask.
const LEFT: usize = 1 << 16;

/// Makes sure that there is memory for so many bytes; [`ErrorKind::Quota`](crate::ErrorKind::Quota)
/// otherwise.
pub(crate) fn reserve(bytes: usize) -> Result<()> {
    reserve_beside(bytes, 0)
}

/// The same, with so many bytes left beside them that others will need.
///
/// Natively memory isn't known to run out before it does.
#[cfg(not(js_host))]
#[allow(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
pub(crate) fn reserve_beside(bytes: usize, left: usize) -> Result<()> {
    let _ = (bytes, left, LEFT);
    Ok(())
}

/// The same, with so many bytes left beside them that others will need.
///
/// The only way to know is to ask the allocator, in one piece. It is asked for more than is needed, if
/// there is more, so that what is small need not ask each time.
#[cfg(js_host)]
pub(crate) fn reserve_beside(bytes: usize, left: usize) -> Result<()> {
    use std::cell::Cell;
    const AHEAD: usize = 1 << 18;
    thread_local! {
        /// Bytes that were there when they were last asked for, and that nobody has reserved since.
        static ASSURED: Cell<usize> = const { Cell::new(0) };
    }
    let left = left.saturating_add(LEFT);
    if ASSURED.get() >= bytes.saturating_add(left) {
        ASSURED.set(ASSURED.get() - bytes);
        return Ok(());
    }
    let ahead = [AHEAD, 0].into_iter().find(|ahead| {
        let mut room = Vec::<u8>::new();
        let there = room.try_reserve_exact(bytes.saturating_add(left).saturating_add(*ahead));
        // Or else the compiler sees that nobody needs it, and nobody is asked.
        std::hint::black_box(room.as_mut_ptr());
        there.is_ok()
    });
    ASSURED.set(ahead.map_or(0, |ahead| left + ahead));
    ahead.map(drop).ok_or_else(no_memory)
}

#[cfg(js_host)]
fn no_memory() -> crate::DagError {
    crate::DagError::new(
        crate::ErrorKind::Quota,
        "there is no memory left for this; take fewer nodes at once, close other stores, or use \
         another instance (a worker has its own)",
    )
}

/// The platform's clock, in Unix milliseconds; 0 where it stands before 1970.
#[cfg(not(js_host))]
pub(crate) fn now_millis() -> u64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The platform's clock, in Unix milliseconds; 0 where it stands before 1970.
#[cfg(js_host)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "Date.now() is an integer, and a negative one is meant to become 0"
)]
pub(crate) fn now_millis() -> u64 {
    js_sys::Date::now() as u64
}

/// Random bytes, from the system where it has any to give, and else from the clock and the
/// randomness that std's hash maps start from: enough to tell commits apart and to keep table
/// layouts from being guessed; not for keys.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    use std::hash::{BuildHasher, RandomState};
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        let state = RandomState::new();
        for (i, chunk) in bytes.chunks_mut(8).enumerate() {
            let word = state.hash_one((now_millis(), i)).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
    bytes
}
