//! The links in our texts, offline: what is in the clone must be there, what is elsewhere must look so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Bench, Tally};
use crate::markdown::{Text, beside, files};
use crate::run;
use crate::workspace::read;

impl Bench<'_> {
    pub(super) fn links(&self) -> Result<Tally> {
        let root = self.workspace.root();
        let mut texts = BTreeMap::new();
        for file in files(self.workspace)? {
            let text = Text::parse(&read(&root.join(&file))?);
            texts.insert(file, text);
        }
        run::say(&format!("the links in {} texts", texts.len()));
        let mut tally = Tally::default();
        for (file, text) in &texts {
            for link in &text.links {
                let fault = fault(file, &link.to, &texts, |path| root.join(path).exists());
                if let Some(fault) = &fault {
                    let place = format!("{}:{}", file.display(), link.line);
                    self.failed(&format!("{place}: {}: {fault}", link.to));
                }
                tally.add(Tally::of(fault.is_none()));
            }
        }
        Ok(tally)
    }
}

/// What is wrong with a link in a file, if anything is.
fn fault(
    from: &Path,
    to: &str,
    texts: &BTreeMap<PathBuf, Text>,
    exists: impl Fn(&Path) -> bool,
) -> Option<&'static str> {
    if let Some(rest) = to.strip_prefix("https://") {
        let host = rest.split(['/', '#', '?']).next().unwrap_or_default();
        let is_name = |part: &str| !part.is_empty() && part.chars().all(is_of_a_host);
        let is_host = host.contains('.') && host.split('.').all(is_name);
        let is_plain = rest.chars().all(|it| !it.is_whitespace() && !it.is_control());
        return (!is_host || !is_plain).then_some("no such address can be");
    }
    if to.contains(':') {
        return Some("addresses elsewhere begin with https://");
    }
    let (path, anchor) = to.split_once('#').map_or((to, None), |(path, it)| (path, Some(it)));
    let target = if path.is_empty() { Some(from.to_owned()) } else { beside(from, path) };
    let Some(target) = target else {
        return Some("it leads out of the clone");
    };
    if !exists(&target) {
        return Some("it isn't there");
    }
    let anchor = anchor?;
    match texts.get(&target) {
        Some(text) if text.anchors.contains(anchor) => None,
        Some(_) => Some("it has no such heading"),
        None => Some("only headings of texts can be linked to"),
    }
}

fn is_of_a_host(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_link_is_told() {
        let texts = BTreeMap::from([
            (PathBuf::from("README.md"), Text::parse("# A title")),
            (PathBuf::from("docs/b.md"), Text::parse("# B")),
        ]);
        let there = ["README.md", "docs", "docs/b.md", "src/lib.rs"];
        let fault = |from: &str, to: &str| {
            fault(Path::new(from), to, &texts, |path| there.iter().any(|it| Path::new(it) == path))
        };
        for to in [
            "README.md",
            "docs",
            "docs/",
            "./docs/b.md#b",
            "#a-title",
            "src/lib.rs",
            "https://example.org",
            "https://example.org/a#b",
        ] {
            assert_eq!(fault("README.md", to), None, "{to}");
        }
        assert_eq!(fault("docs/b.md", "../README.md#a-title"), None);
        for (to, expected) in [
            ("c.md", "it isn't there"),
            ("b.md", "it isn't there"),
            ("#b", "it has no such heading"),
            ("docs/b.md#c", "it has no such heading"),
            ("src/lib.rs#L1", "only headings of texts can be linked to"),
            ("../other", "it leads out of the clone"),
            ("/README.md", "it leads out of the clone"),
            ("http://example.org", "addresses elsewhere begin with https://"),
            ("https://localhost/", "no such address can be"),
            ("https://exa mple.org", "no such address can be"),
            ("https://example.org/a b", "no such address can be"),
        ] {
            assert_eq!(fault("README.md", to), Some(expected), "{to}");
        }
    }
}
