//! Checks proofs about a [`dag-store`](https://docs.rs/dag-store), without the store: that a node is in
//! it ([`verify_presence`]), that a node is not ([`verify_absence`]), that these are *all* nodes of a scope
//! and a time ([`verify_range`]).
//!
//! A proof speaks of one state hash. It says nothing about whose state that is, or whether it is the
//! newest: that is for whoever signed the hash, and when. It also rests on the hash having been made from
//! a well-formed trie, as every store makes it; whoever signs a hash vouches for that.
//!
//! The bytes of a proof are defined in `docs/spec.md` of dag-store, section "Proofs". There is exactly
//! one proof of an answer: one that is changed in any bit is refused, as is one that proves more than
//! was asked.

#![no_std]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")
)]

extern crate alloc;

mod block;
mod bytes;
mod error;
mod hash;
mod key;
mod proof;
mod trie;

pub use error::ProofError;
pub use hash::Digest;
pub use key::NodeKey;
pub use proof::{Entry, EventType, verify_absence, verify_presence, verify_range};

/// The README's snippets are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
