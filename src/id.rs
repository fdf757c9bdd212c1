//! How a node is named: a `CIDv1` of codec dag-cbor with a SHA-256 multihash, and nothing else.

use std::fmt::{self, Write as _};

use cid::multibase::{self, Base};
use cid::multihash::Multihash;

use crate::digest::Digest;
use crate::{Cid, DagError, ErrorKind, Result};

/// Multicodec of DAG-CBOR.
const DAG_CBOR: u64 = 0x71;
/// Multihash code of SHA-256.
const SHA2_256: u64 = 0x12;
/// A node's CID in bytes: version, codec, hash code, digest length, then the digest.
pub(crate) const CID_PREFIX: [u8; 4] = [0x01, 0x71, 0x12, 0x20];
/// Length of a node's CID in bytes.
pub(crate) const CID_BYTES: usize = CID_PREFIX.len() + 32;
/// Characters of a node's CID: its prefix, 56 digits for seven groups of five bytes, and two digits for
/// the byte that is left.
pub(crate) const CID_TEXT: usize = 1 + 56 + 2;
/// Longer than a node's CID in the most verbose multibase there is (base 2, 289 characters).
const LONGEST_TEXT: usize = 512;

/// Whatever can be read as the CID of a node: a [`Cid`], text in any multibase, or bytes.
///
/// Everything but a `CIDv1` of codec dag-cbor (0x71) and hash sha2-256 with 32 bytes is refused as
/// [`ErrorKind::InvalidCid`], and so are bytes after it.
///
/// # Examples
///
/// ```
/// use dag_store::ToCid;
///
/// let cid = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua".to_cid()?;
/// assert_eq!(cid.to_bytes().to_cid()?, cid);
/// assert!("bafkreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua".to_cid().is_err()); // raw
/// # Ok::<(), dag_store::DagError>(())
/// ```
pub trait ToCid {
    /// Reads the CID.
    fn to_cid(&self) -> Result<Cid>;
}

impl ToCid for Cid {
    fn to_cid(&self) -> Result<Cid> {
        digest_of(self).map(|_| *self)
    }
}

impl ToCid for [u8] {
    fn to_cid(&self) -> Result<Cid> {
        let (prefix, digest) = self.split_at_checked(CID_PREFIX.len()).unwrap_or_default();
        match <&Digest>::try_from(digest) {
            Ok(digest) if prefix == CID_PREFIX => Ok(cid_of(digest)),
            // Not a node's. The general parser tells whether it is a CID at all.
            _ => match Cid::try_from(self) {
                Ok(cid) => {
                    Err(digest_of(&cid).err().unwrap_or_else(|| refused("bytes follow the CID")))
                }
                Err(_) => Err(refused("not a CID")),
            },
        }
    }
}

impl ToCid for str {
    fn to_cid(&self) -> Result<Cid> {
        if self.len() > LONGEST_TEXT {
            return Err(refused("too long for a CID"));
        }
        if self.len() == 46 && self.starts_with("Qm") {
            return Err(refused("a CIDv0; nodes have CIDv1"));
        }
        let (base, bytes) = multibase::decode(self).map_err(|error| {
            refused("not text in a known multibase").with_source(error.to_string())
        })?;
        let cid = bytes.to_cid()?;
        // The decoder takes digits of either case. Other languages' do not, and ids are one text each.
        if base == Base::Identity || multibase::encode(base, &bytes) != self {
            return Err(refused("digits that its multibase does not have"));
        }
        Ok(cid)
    }
}

impl ToCid for String {
    fn to_cid(&self) -> Result<Cid> {
        self.as_str().to_cid()
    }
}

impl ToCid for Vec<u8> {
    fn to_cid(&self) -> Result<Cid> {
        self.as_slice().to_cid()
    }
}

impl<T: ToCid + ?Sized> ToCid for &T {
    fn to_cid(&self) -> Result<Cid> {
        (**self).to_cid()
    }
}

/// The digest within a node's CID; an error for every other CID.
pub(crate) fn digest_of(cid: &Cid) -> Result<Digest> {
    if cid.version() != cid::Version::V1 {
        return Err(refused("a CIDv0; nodes have CIDv1"));
    }
    if cid.codec() != DAG_CBOR {
        return Err(refused("the codec is not dag-cbor (0x71)"));
    }
    if cid.hash().code() != SHA2_256 {
        return Err(refused("the hash is not sha2-256 (0x12)"));
    }
    cid.hash().digest().try_into().map_err(|_| refused("the digest does not have 32 bytes"))
}

/// The CID of the node with this digest.
pub(crate) fn cid_of(digest: &Digest) -> Cid {
    #[allow(clippy::expect_used, reason = "32 bytes always fit into the 64 that a multihash holds")]
    let hash = Multihash::wrap(SHA2_256, digest).expect("a multihash of 32 bytes");
    Cid::new_v1(DAG_CBOR, hash)
}

/// The text of a node's CID: base32 in lower case, after its prefix `b`.
///
/// What [`Cid`] itself prints by takes twenty kilobytes of wasm: it knows every base there is.
pub(crate) fn text_of(digest: &Digest) -> [u8; CID_TEXT] {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

    let mut bytes = [0; 40];
    bytes[..CID_PREFIX.len()].copy_from_slice(&CID_PREFIX);
    bytes[CID_PREFIX.len()..CID_BYTES].copy_from_slice(digest);
    let mut text = [b'b'; 1 + 8 * 8];
    let (groups, _) = bytes.as_chunks::<5>();
    let (digits, _) = text[1..].as_chunks_mut::<8>();
    for (group, digits) in groups.iter().zip(digits) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        for (i, digit) in digits.iter_mut().enumerate() {
            *digit = DIGITS[(bits >> (35 - 5 * i) & 31) as usize];
        }
    }
    let mut whole = [0; CID_TEXT];
    whole.copy_from_slice(&text[..CID_TEXT]);
    whole
}

/// Prints a node's CID as [`text_of`] has it.
pub(crate) struct Text<'a>(pub(crate) &'a Cid);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match digest_of(self.0) {
            Ok(digest) => {
                text_of(&digest).iter().try_for_each(|digit| f.write_char((*digit).into()))
            }
            Err(_) => f.write_str("with the CID of something else"),
        }
    }
}

fn refused(why: &str) -> DagError {
    DagError::new(ErrorKind::InvalidCid, format!("invalid CID: {why}"))
}
