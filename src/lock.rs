//! The locks in use, named once: async-lock's, or tokio's under the feature `tokio`. No lock and no
//! guard is part of the public API, so the choice changes no signature and no behaviour.

#[cfg(not(feature = "tokio"))]
pub(crate) use async_lock::RwLock;
#[cfg(feature = "tokio")]
pub(crate) use tokio::sync::RwLock;
