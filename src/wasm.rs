//! The classes that the npm package is built on. Bindings, no logic: what they do is the crate's, and
//! what people call is the JavaScript in `pkg-template`.
//!
//! - Every method takes `&self`, and borrows nothing across an await: calls may overlap, and objects
//!   may be freed, in any order.
//! - Bytes cross through two areas of our memory ([`scratch`]): JavaScript writes what it asks into
//!   the one and reads the answer from the other, while nothing else can run. Numbers cross as
//!   arguments, rare options as a little DAG-CBOR, and what a panic says by serde.
//! - What has its answer at once leaves it in the area and returns `false`: no Promise is paid for
//!   where nothing has to wait. What has to wait hands over a Promise of the same bytes ([`promise`])
//!   and returns `true`. Nothing returns a reference.
//! - Errors are answers too ([`answer`]). What is thrown from here is a trap, after which JavaScript
//!   never enters this instance again.
#![allow(unreachable_pub, reason = "wasm-bindgen exports only what is public")]

mod answer;
mod batch;
mod breath;
mod car;
#[cfg(feature = "faults")]
pub(crate) mod faults;
mod graph;
mod job;
mod journal;
mod nodes;
mod opening;
mod options;
mod panic;
mod promise;
mod queries;
mod record;
mod scratch;
mod store;
mod watch;

pub(crate) use breath::{Breath, breathe};
