//! What kind of event a node is.

use std::fmt;
use std::hash::{Hash, Hasher};

/// The type of an event: one of the seven that cooperatives share, or one of your own.
///
/// Two types are equal when their names are: `Custom("vote")` is [`Vote`](DagEventType::Vote).
///
/// # Examples
///
/// ```
/// use dag_store::DagEventType;
///
/// assert_eq!(DagEventType::from("vote"), DagEventType::Vote);
/// assert_eq!(DagEventType::from("ballot-opened").as_str(), "ballot-opened");
/// ```
#[derive(Clone, Debug)]
pub enum DagEventType {
    /// `genesis`: where a history begins.
    Genesis,
    /// `proposal`: something to decide on.
    Proposal,
    /// `vote`: a voice on a proposal.
    Vote,
    /// `execution`: what was decided, carried out.
    Execution,
    /// `attestation`: somebody's word that something holds.
    Attestation,
    /// `receipt`: the record of an act.
    Receipt,
    /// `anchor`: a point that ties histories together.
    Anchor,
    /// A type of your own, 1 to 255 bytes.
    Custom(String),
}

impl DagEventType {
    /// The name, as it stands in the block.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            DagEventType::Genesis => "genesis",
            DagEventType::Proposal => "proposal",
            DagEventType::Vote => "vote",
            DagEventType::Execution => "execution",
            DagEventType::Attestation => "attestation",
            DagEventType::Receipt => "receipt",
            DagEventType::Anchor => "anchor",
            DagEventType::Custom(name) => name,
        }
    }

    fn known(name: &str) -> Option<Self> {
        Some(match name {
            "genesis" => DagEventType::Genesis,
            "proposal" => DagEventType::Proposal,
            "vote" => DagEventType::Vote,
            "execution" => DagEventType::Execution,
            "attestation" => DagEventType::Attestation,
            "receipt" => DagEventType::Receipt,
            "anchor" => DagEventType::Anchor,
            _ => return None,
        })
    }
}

impl From<&str> for DagEventType {
    fn from(name: &str) -> Self {
        Self::known(name).unwrap_or_else(|| DagEventType::Custom(name.to_owned()))
    }
}

impl From<String> for DagEventType {
    fn from(name: String) -> Self {
        Self::known(&name).unwrap_or(DagEventType::Custom(name))
    }
}

impl fmt::Display for DagEventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl PartialEq for DagEventType {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for DagEventType {}

impl Hash for DagEventType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
