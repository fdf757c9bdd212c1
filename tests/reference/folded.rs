//! The notation of bytes in the vectors.

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
