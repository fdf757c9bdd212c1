//! The values that the vectors are written in; `docs/vectors/README.md` has the forms.

use dag_store::{Cid, Ipld};
use serde_json::Value;

use crate::files::{list, text};

/// The value that a piece of typed JSON stands for; `docs/vectors/README.md` has the forms.
pub(crate) fn ipld(json: &Value) -> Ipld {
    match json {
        Value::Null => Ipld::Null,
        Value::Bool(bool) => Ipld::Bool(*bool),
        Value::Number(number) => Ipld::Integer(number.as_i64().expect("a safe integer").into()),
        Value::String(text) => Ipld::String(text.clone()),
        Value::Array(items) => Ipld::List(items.iter().map(ipld).collect()),
        Value::Object(entries) => match entries.get("/") {
            None => {
                Ipld::Map(entries.iter().map(|(key, value)| (key.clone(), ipld(value))).collect())
            }
            Some(Value::String(cid)) => Ipld::Link(Cid::try_from(cid.as_str()).expect("a CID")),
            Some(form) => ipld_form(form),
        },
    }
}

fn ipld_form(form: &Value) -> Ipld {
    let fields = form.as_object().expect("a form is an object");
    let number = |field: &str| usize::try_from(fields[field].as_u64().unwrap()).unwrap();
    let name = ["bytes", "int", "float", "repeat", "map", "lists", "maps"]
        .into_iter()
        .find(|name| fields.contains_key(*name));
    match name {
        Some("bytes") => Ipld::Bytes(base64(text(form, "bytes"))),
        Some("int") => Ipld::Integer(text(form, "int").parse().expect("an integer")),
        Some("float") => {
            let bits = u64::from_str_radix(text(form, "float"), 16).expect("64 bits in hex");
            Ipld::Float(f64::from_bits(bits))
        }
        Some("repeat") => Ipld::String(text(form, "repeat").repeat(number("times"))),
        Some("map") => Ipld::Map(
            list(form, "map")
                .iter()
                .map(|entry| (entry[0].as_str().unwrap().to_owned(), ipld(&entry[1])))
                .collect(),
        ),
        Some("lists") => {
            (0..number("lists")).fold(ipld(&form["around"]), |inner, _| Ipld::List(vec![inner]))
        }
        Some("maps") => (0..number("maps")).fold(ipld(&form["around"]), |inner, _| {
            Ipld::Map([(text(form, "key").to_owned(), inner)].into())
        }),
        _ => panic!("no such form: {form}"),
    }
}

/// Base64 without padding, by way of a CID's multibase.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    cid::multibase::Base::Base64.decode(text).expect("base64")
}
