//! The files of `docs/vectors`, as far as every test reads them alike.

use std::path::Path;

use serde_json::Value;

/// A file of `docs/vectors`.
pub(crate) fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/vectors").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The items of a list in a vector.
pub(crate) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().unwrap_or_else(|| panic!("no list {field}: {value}"))
}

/// A text in a vector.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text {field}: {value}"))
}

/// Hex with repeats, `a1(00*3)ff`, as bytes.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, repeat)) = rest.split_once('(') {
        let (repeat, after) = repeat.split_once(')').expect("a closing parenthesis");
        let (unit, times) = repeat.split_once('*').expect("a number of repeats");
        plain += before;
        plain += &unit.repeat(times.parse().expect("a number of repeats"));
        rest = after;
    }
    plain += rest;
    hex::decode(plain).expect("hex")
}
