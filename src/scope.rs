//! A scope, as a store tells of it.

/// A scope that has nodes, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The scope's id.
    pub id: String,
    /// How many nodes it has: one at least.
    pub nodes: u64,
}
