//! The names of the functions in the wasm, which ships without them.

use anyhow::{Context, Result};
use serde_json::Value;
use wasmparser::{BinaryReader, Name, NameSectionReader, Parser, Payload};

/// What the compiler puts behind a name, before the hash that makes it unique: `::h` and 16 digits.
const HASH: &str = "::h";
const HASH_LENGTH: usize = HASH.len() + 16;

/// A JSON list, a line for a function: what a stack calls `wasm-function[7]` is its eighth name.
pub(crate) fn function_names(wasm: &[u8]) -> Result<String> {
    let mut names: Vec<Value> = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CustomSection(section) = payload?
            && section.name() == "name"
        {
            read_section(section.data(), &mut names)?;
        }
    }
    anyhow::ensure!(!names.is_empty(), "the wasm names no functions");
    let lines: Vec<String> = names.iter().map(Value::to_string).collect();
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}

fn read_section(section: &[u8], names: &mut Vec<Value>) -> Result<()> {
    for part in NameSectionReader::new(BinaryReader::new(section, 0)) {
        let Name::Function(functions) = part? else {
            continue;
        };
        for function in functions {
            let function = function?;
            let index = usize::try_from(function.index)?;
            // Those without a name leave a gap.
            names.resize(names.len().max(index + 1), Value::Null);
            *names.get_mut(index).context("an index out of range")? =
                without_hash(function.name).into();
        }
    }
    Ok(())
}

fn without_hash(name: &str) -> &str {
    let start = name.len().checked_sub(HASH_LENGTH);
    let split = start.and_then(|start| name.split_at_checked(start));
    match split {
        Some((path, hash)) if hash.starts_with(HASH) => path,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with nothing but a name section: one function, number 1, of that name.
    fn module(name: &str) -> Vec<u8> {
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        let functions = [&[1, 1, length(name.as_bytes())], name.as_bytes()].concat();
        let section = [&b"\x04name\x01"[..], &[length(&functions)], &functions].concat();
        [&b"\0asm\x01\0\0\0\0"[..], &[length(&section)], &section].concat()
    }

    #[test]
    fn names_stand_at_their_numbers() -> Result<()> {
        let names = function_names(&module("a::b::h0123456789abcdef"))?;
        assert_eq!(names, "[\nnull,\n\"a::b\"\n]\n");
        Ok(())
    }

    #[test]
    fn only_a_hash_is_cut_off() {
        assert_eq!(without_hash("store::has"), "store::has");
        assert_eq!(without_hash("grüße::und::mehr::wörter"), "grüße::und::mehr::wörter");
        assert_eq!(without_hash("::h0123456789abcdef"), "");
    }

    #[test]
    fn a_wasm_without_names_is_refused() {
        assert!(function_names(b"\0asm\x01\0\0\0").is_err());
    }
}
