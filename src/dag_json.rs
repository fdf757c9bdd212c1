//! DAG-JSON, for people to look at.

use std::collections::btree_map;
use std::slice;

use cid::multibase::{self, Base};

use crate::Ipld;

/// What is left to write of the lists and maps around the current value.
enum Around<'a> {
    List(slice::Iter<'a, Ipld>),
    Map(btree_map::Iter<'a, String, Ipld>),
}

/// Writes a value as DAG-JSON: keys in the order of their bytes, no white space, links as
/// `{"/":"<CID>"}`, bytes as `{"/":{"bytes":"<base64>"}}`, floats as JavaScript prints them.
///
/// It does not recurse, however deep the value is.
pub(crate) fn write(value: &Ipld) -> String {
    let mut out = String::new();
    let mut around = Vec::new();
    let mut next = Some(value);
    let mut is_first = true;
    loop {
        match next.take() {
            Some(Ipld::List(items)) => {
                out.push('[');
                around.push(Around::List(items.iter()));
                is_first = true;
            }
            Some(Ipld::Map(entries)) => {
                out.push('{');
                around.push(Around::Map(entries.iter()));
                is_first = true;
            }
            Some(scalar) => write_scalar(scalar, &mut out),
            None => {}
        }
        let (key, end) = match around.last_mut() {
            None => return out,
            Some(Around::List(items)) => {
                next = items.next();
                (None, ']')
            }
            Some(Around::Map(entries)) => {
                let entry = entries.next();
                next = entry.map(|(_, value)| value);
                (entry.map(|(key, _)| key), '}')
            }
        };
        if next.is_none() {
            out.push(end);
            around.pop();
        } else if !is_first {
            out.push(',');
        }
        is_first = false;
        if let Some(key) = key {
            write_text(key, &mut out);
            out.push(':');
        }
    }
}

fn write_scalar(value: &Ipld, out: &mut String) {
    match value {
        Ipld::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Ipld::Integer(integer) => out.push_str(&integer.to_string()),
        Ipld::Float(float) => write_float(*float, out),
        Ipld::String(text) => write_text(text, out),
        Ipld::Bytes(bytes) => {
            let text = multibase::encode(Base::Base64, bytes);
            out.push_str(r#"{"/":{"bytes":""#);
            // Without the multibase prefix.
            out.push_str(&text[1..]);
            out.push_str(r#""}}"#);
        }
        Ipld::Link(cid) => {
            out.push_str(r#"{"/":""#);
            out.push_str(&cid.to_string());
            out.push_str(r#""}"#);
        }
        // Lists and maps are no scalars.
        Ipld::Null | Ipld::List(_) | Ipld::Map(_) => out.push_str("null"),
    }
}

/// Writes a float as JavaScript does (ECMA-262, `Number::toString`), and so that it is known for one: with
/// a point or an exponent. Both languages print the fewest digits that tell it from all others.
fn write_float(float: f64, out: &mut String) {
    if float < 0.0 {
        out.push('-');
    }
    let scientific = format!("{:e}", float.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(|digit| *digit != '.').collect();
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    match exponent + 1 {
        point @ 1..=21 if point >= count => {
            out.push_str(&digits);
            out.push_str(&zeros(point - count));
            out.push_str(".0");
        }
        point @ 1..=21 => {
            let (whole, rest) = digits.split_at(usize::try_from(point).unwrap_or_default());
            out.push_str(whole);
            out.push('.');
            out.push_str(rest);
        }
        point @ -5..=0 => {
            out.push_str("0.");
            out.push_str(&zeros(-point));
            out.push_str(&digits);
        }
        _ => {
            out.push_str(mantissa);
            out.push_str(if exponent < 0 { "e-" } else { "e+" });
            out.push_str(&exponent.abs().to_string());
        }
    }
}

/// Writes text with the escapes that JSON asks for, and no others.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control @ '\0'..' ' => {
                let code = u32::from(control);
                out.push_str("\\u00");
                out.extend(
                    [code >> 4, code & 0xf]
                        .map(|digit| char::from_digit(digit, 16))
                        .iter()
                        .flatten(),
                );
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_printed_as_javascript_does() {
        // What Node prints, with a point where that has neither point nor exponent.
        let cases = [
            (0.5, "0.5"),
            (-1.5, "-1.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (123_456.789, "123456.789"),
            (9_007_199_254_740_992.0, "9007199254740992.0"),
            (-18_446_744_073_709_551_616.0, "-18446744073709552000.0"),
            (1e20, "100000000000000000000.0"),
            (123e18, "123000000000000000000.0"),
            (1e21, "1e+21"),
            (1.7e300, "1.7e+300"),
            (0.000_001, "0.000001"),
            (0.000_001_25, "0.00000125"),
            (0.000_000_1, "1e-7"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
        ];
        for (float, expected) in cases {
            assert_eq!(write(&Ipld::Float(float)), expected);
        }
    }

    #[test]
    fn values_within_values_are_written_in_order() {
        let list = |items: &[Ipld]| Ipld::List(items.to_vec());
        let map = |entries: &[(&str, Ipld)]| {
            Ipld::Map(
                entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
            )
        };
        let value = map(&[
            ("aa", list(&[])),
            ("b", map(&[])),
            ("a", list(&[Ipld::Null, Ipld::Bool(true), list(&[Ipld::Integer(-1)]), map(&[])])),
            ("é\u{0}\"\\\n\u{7f}", Ipld::Bytes(vec![0, 1, 255, 254])),
        ]);
        let expected =
            r#"{"a":[null,true,[-1],{}],"aa":[],"b":{},"é\u0000\"\\\n":{"/":{"bytes":"AAH//g"}}}"#;
        assert_eq!(write(&value), expected.replace("\\n\"", "\\n\u{7f}\""));
        for (value, expected) in [(list(&[]), "[]"), (map(&[]), "{}"), (Ipld::Bool(false), "false")]
        {
            assert_eq!(write(&value), expected);
        }
        let link = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
        let text = write(&list(&[Ipld::Link(link.parse().unwrap()), Ipld::Integer(1)]));
        assert_eq!(text, format!(r#"[{{"/":"{link}"}},1]"#));
    }

    #[test]
    fn depth_takes_no_stack() {
        let mut value = Ipld::List(Vec::new());
        for _ in 0..100_000 {
            value = Ipld::List(vec![value]);
        }
        let text = write(&value);
        assert_eq!(text, "[".repeat(100_001) + &"]".repeat(100_001));
        crate::cbor::dismantle(value);
    }
}
