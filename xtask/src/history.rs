//! A history: commits that name their parents, as the demo's input.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;

use anyhow::{Result, anyhow, bail, ensure};
use serde::{Deserialize, Serialize};

/// One commit.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Commit {
    pub(crate) id: String,
    pub(crate) parents: Vec<String>,
    /// Unix milliseconds.
    pub(crate) timestamp: u64,
}

/// Commits in an order where parents come first.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) commits: Vec<Commit>,
    /// How many commits lost parents that are not in the history, as in a shallow clone.
    pub(crate) cut: usize,
}

impl History {
    /// Sorts commits that come in any order, parents first, those ready in the order given.
    pub(crate) fn sort(mut commits: Vec<Commit>) -> Result<Self> {
        ensure!(!commits.is_empty(), "there are no commits");
        let mut index = HashMap::new();
        for (number, commit) in commits.iter().enumerate() {
            ensure!(
                index.insert(commit.id.clone(), number).is_none(),
                "commit {} is there twice",
                commit.id
            );
        }
        let mut cut = 0;
        for commit in &mut commits {
            let mut seen = HashSet::new();
            commit.parents.retain(|parent| seen.insert(parent.clone()));
            let named = commit.parents.len();
            commit.parents.retain(|parent| index.contains_key(parent));
            cut += usize::from(commit.parents.len() < named);
        }

        let mut children = vec![Vec::new(); commits.len()];
        let mut waits_for = Vec::with_capacity(commits.len());
        for (number, commit) in commits.iter().enumerate() {
            waits_for.push(commit.parents.len());
            for parent in commit.parents.iter().filter_map(|parent| index.get(parent)) {
                children[*parent].push(number);
            }
        }
        let mut ready: VecDeque<usize> =
            (0..commits.len()).filter(|&number| waits_for[number] == 0).collect();
        let mut order = Vec::with_capacity(commits.len());
        while let Some(number) = ready.pop_front() {
            order.push(number);
            for &child in &children[number] {
                waits_for[child] -= 1;
                if waits_for[child] == 0 {
                    ready.push_back(child);
                }
            }
        }
        if let Some(stuck) = waits_for.iter().position(|waits_for| *waits_for > 0) {
            bail!("commit {} is its own ancestor, or descends from one that is", commits[stuck].id);
        }
        let mut commits: Vec<Option<Commit>> = commits.into_iter().map(Some).collect();
        let commits = order.into_iter().filter_map(|number| commits[number].take()).collect();
        Ok(Self { commits, cut })
    }

    /// Reads JSON lines.
    pub(crate) fn parse(text: &str) -> Result<Vec<Commit>> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let commit = |(number, line)| {
            serde_json::from_str(line).map_err(|error: serde_json::Error| {
                // It counts lines from the start of what it was given: this one.
                let what = error.to_string();
                let what = what.split(" at line ").next().unwrap_or_default();
                anyhow!("line {}, column {}: {what}", number + 1, error.column())
            })
        };
        lines.map(commit).collect()
    }

    /// Writes JSON lines.
    pub(crate) fn to_lines(&self) -> Result<String> {
        let mut text = String::new();
        for commit in &self.commits {
            writeln!(text, "{}", serde_json::to_string(commit)?)?;
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(id: &str, parents: &[&str]) -> Commit {
        let parents = parents.iter().map(|&parent| parent.to_owned()).collect();
        Commit { id: id.to_owned(), parents, timestamp: 0 }
    }

    fn ids(history: &History) -> Vec<&str> {
        history.commits.iter().map(|commit| commit.id.as_str()).collect()
    }

    #[test]
    fn parents_come_first() -> Result<()> {
        let shuffled = vec![
            commit("d", &["b", "c"]),
            commit("c", &["a"]),
            commit("a", &[]),
            commit("b", &["a"]),
        ];
        let history = History::sort(shuffled)?;
        assert_eq!(ids(&history), ["a", "c", "b", "d"]);
        assert_eq!(history.cut, 0);
        Ok(())
    }

    #[test]
    fn a_chain_of_any_length_is_sorted() -> Result<()> {
        let length = 200_000;
        let mut chain: Vec<Commit> =
            (1..length).map(|n| commit(&n.to_string(), &[&(n - 1).to_string()])).collect();
        chain.reverse();
        chain.push(commit("0", &[]));
        let history = History::sort(chain)?;
        assert_eq!(history.commits.len(), length);
        assert_eq!(history.commits.last().map(|last| last.id.as_str()), Some("199999"));
        Ok(())
    }

    #[test]
    fn a_missing_parent_makes_a_root() -> Result<()> {
        let history = History::sort(vec![commit("b", &["gone"]), commit("c", &["b", "gone"])])?;
        assert_eq!(ids(&history), ["b", "c"]);
        assert_eq!(history.commits[0].parents, [""; 0]);
        assert_eq!(history.commits[1].parents, ["b"]);
        assert_eq!(history.cut, 2);
        Ok(())
    }

    #[test]
    fn a_parent_named_twice_counts_once() -> Result<()> {
        let history = History::sort(vec![commit("b", &["a", "a"]), commit("a", &[])])?;
        assert_eq!(history.commits[1].parents, ["a"]);
        assert_eq!(history.cut, 0);
        Ok(())
    }

    #[test]
    fn what_is_no_history_is_refused() {
        let cases = [
            (vec![], "no commits"),
            (vec![commit("a", &[]), commit("a", &[])], "twice"),
            (
                vec![commit("a", &["b"]), commit("b", &["a"]), commit("c", &["a"])],
                "its own ancestor",
            ),
        ];
        for (commits, says) in cases {
            let error = History::sort(commits).map(|_| ()).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|error| error.contains(says)), "{error:?}");
        }
    }

    #[test]
    fn json_lines_both_ways() -> Result<()> {
        let text = "{\"id\":\"a\",\"parents\":[],\"timestamp\":1}\n\
                    {\"id\":\"b\",\"parents\":[\"a\"],\"timestamp\":2}\n";
        let history = History::sort(History::parse(text)?)?;
        assert_eq!(history.to_lines()?, text);
        let error = History::parse("\n{\"id\":1}").map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.starts_with("line 2, column ")));
        Ok(())
    }
}
