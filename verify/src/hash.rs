//! SHA-256 over parts.

use sha2::{Digest as _, Sha256};

/// 32 bytes of SHA-256.
pub type Digest = [u8; 32];

/// The hash of these parts, one after the other.
pub(crate) fn hash(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
