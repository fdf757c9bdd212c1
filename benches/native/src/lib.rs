//! What the programs share that measure the rows in Rust. `cargo xtask bench` runs them and says which rows; each
//! prints a line of JSON for every row.

#![allow(clippy::cast_precision_loss, reason = "figures for people")]

pub mod by_hand;
pub mod filled;
pub mod measure;
pub mod nodes;
