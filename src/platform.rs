//! What differs between platforms, in one place: whether futures must be `Send`, the clock, and
//! randomness. `build.rs` names the platform that differs: `js_host`, WebAssembly in a JavaScript
//! engine.

use std::future::Future;
use std::pin::Pin;

use futures::Stream;

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
