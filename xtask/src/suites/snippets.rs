//! The code in our texts. What stands behind its fence says how it is tested:
//!
//! | fence | what is done |
//! |---|---|
//! | `js` | run in Node, as an ES module, or as CommonJS where it says `require(` |
//! | `js`, `ts` or `html`, and a word more (`deno`, `bun`, `worker`, `object`, `browser`) | run there by the runtimes' suite; `ts` is checked by Deno first |
//! | `rust`, `rust,no_run` | a doctest, run or only built, so the crate must include the text |
//! | `sql`, `js postgres` | run on a `PostgreSQL` server by the suite `postgres`, which reads `docs/postgres.md` alone |
//! | `sh` | commands to type, not run: each must be one that is known, those of xtask with the arguments they take |
//! | `json`, `jsonc` | configuration; comments apart it must be JSON |
//! | `text`, `mermaid` | no code |

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use super::javascript::Package;
use super::{Bench, Tally};
use crate::Cli;
use crate::markdown::{Block, Text, beside, files};
use crate::workspace::{Workspace, read, remove_folder, write};

/// What includes the texts whose Rust is run as doctests.
const DOCTESTS: [&str; 2] = ["src/lib.rs", "verify/src/lib.rs"];

/// Where code runs that says so, and its languages there.
const RUNTIMES: [(&str, &[&str]); 5] = [
    ("deno", &["ts"]),
    ("bun", &["js"]),
    ("worker", &["js"]),
    ("object", &["js"]),
    ("browser", &["html"]),
];

/// What a `PostgreSQL` server of the suite `postgres` runs.
const POSTGRES: &str = "docs/postgres.md";

/// What commands to type may begin with, besides cargo.
const COMMANDS: [&str; 6] = ["bun", "curl", "deno", "node", "npm", "npx"];

impl Bench<'_> {
    pub(super) fn snippets(&self, package: &mut Package<'_>) -> Result<Tally> {
        let consumer = package.consumer()?;
        let mut doctests = Vec::new();
        for file in DOCTESTS.map(Path::new) {
            doctests.extend(included(file, &read(&self.workspace.root().join(file))?));
        }
        let mut tally = Tally::default();
        for (file, block) in blocks(self.workspace)? {
            let what = format!("{}, line {}", file.display(), block.line);
            let name = name(&file, &block);
            let words: Vec<&str> = block.info.split(' ').collect();
            match words[..] {
                ["js"] => {
                    let extension = if block.code.contains("require(") { "cjs" } else { "mjs" };
                    let script = format!("{name}.{extension}");
                    write(&consumer.path(&script), &block.code)?;
                    let log = format!("snippet-{name}");
                    tally.add(self.check(&log, &what, consumer.node().arg(&script))?);
                }
                ["sh"] => {
                    let fault = fault(&block.code);
                    if let Some(fault) = &fault {
                        self.failed(&format!("{what}: {fault}"));
                    }
                    tally.add(Tally::of(fault.is_none()));
                }
                ["rust" | "rust,no_run"] => {
                    ensure!(doctests.contains(&file), "{what}: no crate includes this text");
                }
                ["sql"] | ["js", "postgres"] => {
                    ensure!(file == Path::new(POSTGRES), "{what}: no server runs this text");
                }
                ["json" | "jsonc"] => {
                    let lines = block.code.lines().filter(|line| !line.trim().starts_with("//"));
                    let code: String = lines.collect();
                    serde_json::from_str::<serde::de::IgnoredAny>(&code).context(what)?;
                    tally.add(Tally::of(true));
                }
                ["text" | "mermaid"] => {}
                _ => ensure!(runtime(&block).is_some(), "{what}: nothing tests `{}`", block.info),
            }
        }
        Ok(tally)
    }

    /// Writes the code that is to be run in some runtime to a folder for each, and gives the folder
    /// above these.
    pub(super) fn snippets_for_runtimes(&self) -> Result<PathBuf> {
        let folder = self.workspace.target("snippets");
        remove_folder(&folder)?;
        for (file, block) in blocks(self.workspace)? {
            if let Some((language, runtime)) = runtime(&block) {
                let name = format!("{}.{language}", name(&file, &block));
                write(&folder.join(runtime).join(name), &block.code)?;
            }
        }
        Ok(folder)
    }
}

/// All the code in the clone's texts.
fn blocks(workspace: &Workspace) -> Result<Vec<(PathBuf, Block)>> {
    let mut found = Vec::new();
    for file in files(workspace)? {
        let text = Text::parse(&read(&workspace.root().join(&file))?);
        found.extend(text.blocks.into_iter().map(|block| (file.clone(), block)));
    }
    Ok(found)
}

/// The name of a file for this code: those of a text are in its order.
fn name(file: &Path, block: &Block) -> String {
    let path = file.with_extension("").to_string_lossy().replace('/', "-").to_lowercase();
    format!("{path}-{:04}", block.line)
}

/// The language and the runtime of code that is for another runtime than Node.
fn runtime(block: &Block) -> Option<(&str, &'static str)> {
    let (language, word) = block.info.split_once(' ')?;
    let (runtime, languages) = RUNTIMES.iter().find(|(runtime, _)| *runtime == word)?;
    languages.contains(&language).then_some((language, *runtime))
}

/// The texts that a Rust file includes.
fn included(file: &Path, source: &str) -> Vec<PathBuf> {
    let names = source.split("include_str!(\"").skip(1).filter_map(|it| it.split('"').next());
    names.filter_map(|name| beside(file, name)).collect()
}

/// What is wrong with commands to type, if anything is.
fn fault(commands: &str) -> Option<String> {
    commands.lines().find_map(|line| {
        let (line, _comment) = line.split_once('#').unwrap_or((line, ""));
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [] | ["cargo", "add", _] | ["cargo", "run", ..] | ["cd", _] => None,
            ["cargo", "xtask", ref arguments @ ..] => {
                let all = ["cargo xtask"].iter().chain(arguments);
                Cli::try_parse_from(all).err().map(|error| error.to_string())
            }
            [program, ..] if COMMANDS.contains(&program) => None,
            _ => Some(format!("not a command that these texts have: {line}")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_are_not_there_are_told() {
        for right in [
            "npm install dag-store\n\n# a comment\ncargo add dag-store\n",
            "cargo xtask test runtimes deno bun  # two of them\n",
            "cargo xtask demo --repo ../other\n",
        ] {
            assert_eq!(fault(right), None, "{right}");
        }
        for wrong in ["cargo xtask tset", "cargo xtask test --quick", "npm i\nrm -r ."] {
            assert!(fault(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn included_texts_are_found() {
        let source = "#[doc = include_str!(\"../README.md\")]\nx(include_str!(\"../docs/a.md\"))";
        let expected = ["verify/README.md", "verify/docs/a.md"].map(PathBuf::from);
        assert_eq!(included(Path::new("verify/src/lib.rs"), source), expected);
    }

    #[test]
    fn code_for_runtimes_is_known_by_its_words() {
        let block = |info: &str| Block { info: info.to_owned(), ..Block::default() };
        assert_eq!(runtime(&block("js bun")), Some(("js", "bun")));
        for other in ["js", "js deno", "ts", "rust bun", "js bun deno"] {
            assert_eq!(runtime(&block(other)), None, "{other}");
        }
    }

    #[test]
    fn files_are_named_after_their_texts() {
        let block = Block { line: 7, ..Block::default() };
        assert_eq!(name(Path::new("docs/start.md"), &block), "docs-start-0007");
    }
}
