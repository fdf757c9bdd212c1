//! Markdown as far as tests look at it: blocks of code, links, and what can be linked to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::workspace::{Workspace, files_below};

/// Folders of the clone that hold nothing of ours.
const NOT_OURS: [&str; 2] = ["target", "node_modules"];

/// A text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) blocks: Vec<Block>,
    pub(crate) links: Vec<Link>,
    /// What its headings can be linked to as.
    pub(crate) anchors: BTreeSet<String>,
}

/// A block of code.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// The line it begins in, counted from 1.
    pub(crate) line: usize,
    /// What stands behind its fence; empty where nothing does, or where there is no fence.
    pub(crate) info: String,
    pub(crate) code: String,
}

/// A link, or a picture.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The line it begins in, counted from 1.
    pub(crate) line: usize,
    pub(crate) to: String,
}

/// What the text that comes next belongs to.
enum Inside {
    Nothing,
    Block(Block),
    Heading(String),
}

impl Text {
    /// Reads a text.
    pub(crate) fn parse(text: &str) -> Self {
        let mut found = Self::default();
        let mut inside = Inside::Nothing;
        let mut headings: BTreeMap<String, usize> = BTreeMap::new();
        for (event, at) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            let line = || text[..at.start].matches('\n').count() + 1;
            match (event, &mut inside) {
                (Event::Start(Tag::CodeBlock(kind)), _) => {
                    let info = match kind {
                        CodeBlockKind::Fenced(info) => info.trim().to_owned(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    inside = Inside::Block(Block { line: line(), info, code: String::new() });
                }
                (Event::Start(Tag::Heading { .. }), _) => inside = Inside::Heading(String::new()),
                (Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }), _) => {
                    found.links.push(Link { line: line(), to: dest_url.into_string() });
                }
                (Event::Text(part), Inside::Block(block)) => block.code.push_str(&part),
                (Event::Text(part) | Event::Code(part), Inside::Heading(heading)) => {
                    heading.push_str(&part);
                }
                (Event::End(TagEnd::CodeBlock), Inside::Block(block)) => {
                    found.blocks.push(std::mem::take(block));
                    inside = Inside::Nothing;
                }
                (Event::End(TagEnd::Heading(_)), Inside::Heading(heading)) => {
                    let anchor = anchor(heading);
                    // Of headings that are the same the second has a 1 behind it.
                    let before = headings.entry(anchor.clone()).or_default();
                    found.anchors.insert(match *before {
                        0 => anchor,
                        before => format!("{anchor}-{before}"),
                    });
                    *before += 1;
                    inside = Inside::Nothing;
                }
                _ => {}
            }
        }
        found
    }
}

/// What a heading can be linked to as: small letters, hyphens for blanks, and no other signs.
fn anchor(heading: &str) -> String {
    let letters = heading.trim().chars().flat_map(char::to_lowercase);
    let kept = letters.filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

/// The Markdown files of the clone, as sorted paths from its root.
pub(crate) fn files(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let root = workspace.root();
    let mut found = Vec::new();
    for entry in fs::read_dir(root).with_context(|| format!("reading {}", root.display()))? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        let text = name.to_string_lossy();
        if text.starts_with('.') || NOT_OURS.contains(&&*text) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            found.extend(files_below(&entry.path())?.iter().map(|file| name.join(file)));
        } else {
            found.push(name);
        }
    }
    found.retain(|file| is_markdown(file));
    found.sort();
    Ok(found)
}

/// The path that a file means by a relative one, from the root of the clone; none where that is outside.
pub(crate) fn beside(file: &Path, link: &str) -> Option<PathBuf> {
    let mut path = file.parent()?.to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            _ => return None,
        }
    }
    Some(path)
}

/// Whether a file is Markdown, by its name.
fn is_markdown(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "md")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_what_stands_behind_the_fence() {
        let text =
            "# A\n\n```js\nlet a = 1;\n\n```\n- in a list:\n\n  ```js bun\n  b\n  ```\n\n    c\n";
        let block = |line, info: &str, code: &str| Block {
            line,
            info: info.to_owned(),
            code: code.to_owned(),
        };
        let expected =
            [block(3, "js", "let a = 1;\n\n"), block(9, "js bun", "b\n"), block(13, "", "c\n")];
        assert_eq!(Text::parse("```js\nlet a").blocks, [block(1, "js", "let a")]);
        assert_eq!(Text::parse(text).blocks[..2], expected[..2]);
    }

    #[test]
    fn links_and_pictures_are_found_with_their_lines() {
        let text = "a [b](c.md)\n\n| [d](e.md#f) |\n|---|\n| ![g](h.svg) |\n\n[i][j]\n\n`[k](l)`\n\n[j]: m.md\n";
        let links: Vec<(usize, String)> =
            Text::parse(text).links.into_iter().map(|link| (link.line, link.to)).collect();
        let expected = [(1, "c.md"), (3, "e.md#f"), (5, "h.svg"), (7, "m.md")];
        assert_eq!(links, expected.map(|(line, to)| (line, to.to_owned())));
    }

    #[test]
    fn headings_are_named_as_they_are_linked_to() {
        let text = "# One, two: `three`\n\nFour\n====\n\n## 5. *Six* & seven\n\n## Four\n\n## `ERR_EIGHT`\n";
        let expected = ["5-six--seven", "err_eight", "four", "four-1", "one-two-three"];
        assert_eq!(Text::parse(text).anchors, expected.map(str::to_owned).into());
    }
}
