//! The kinds of errors are one set: in Rust, in JavaScript, and in the types of the npm package.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::path::Path;

use dag_store::ErrorKind;

/// The codes that stand in a part of a file of the npm package.
fn codes(file: &str, from: &str, to: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("pkg-template").join(file);
    let text = fs::read_to_string(path).unwrap();
    let (_, part) = text.split_once(from).unwrap();
    let (part, _) = part.split_once(to).unwrap();
    let quoted = part.split('"').filter(|text| text.starts_with("ERR_"));
    quoted.map(ToOwned::to_owned).collect()
}

#[test]
fn every_code_is_explained() {
    let proofs = codes("verify.d.ts", "type ProofErrorCode =", ";");
    let mut expected: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.code().to_owned()).collect();
    expected.extend(proofs);
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md"));
    let text = text.unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `ERR_"));
    let mut explained: Vec<_> =
        rows.filter_map(|row| row.split('`').next()).map(|code| format!("ERR_{code}")).collect();
    // Some codes are of proofs, too.
    for codes in [&mut expected, &mut explained] {
        codes.sort();
        codes.dedup();
    }
    assert_eq!(explained, expected);
}

#[test]
fn javascript_has_the_same_codes_in_the_same_order() {
    let kinds: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(codes("error.js", "ERROR_CODES = ", "]"), kinds);
    assert_eq!(codes("index.d.ts", "type ErrorCode =", "export const"), kinds);
}
