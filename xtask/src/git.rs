//! The commit graph of a git repository.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::history::Commit;
use crate::run;

/// All commits that anything in the repository refers to.
pub(crate) fn commits(repository: &Path) -> Result<Vec<Commit>> {
    let place = repository.display();
    let mut log = git(repository);
    log.args(["log", "--all", "--topo-order", "--format=%H%x09%P%x09%ct"]);
    let text = run::output(&mut log).with_context(|| format!("reading the history of {place}"))?;
    let mut commits = parse(&text)?;
    let boundary = boundary(repository)?;
    for commit in commits.iter_mut().filter(|commit| boundary.contains(&commit.id)) {
        let object = run::output(git(repository).args(["cat-file", "-p", &commit.id]))?;
        commit.parents = parents(&object);
    }
    ensure!(!commits.is_empty(), "{place} has no commits yet: name another with --repo or --file");
    Ok(commits)
}

/// The repository's name: its remote's, or else its folder's.
pub(crate) fn name(repository: &Path) -> Result<String> {
    let remote = run::output(git(repository).args(["remote", "get-url", "origin"]));
    let folder = || run::output(git(repository).args(["rev-parse", "--show-toplevel"]));
    // A bare repository has no top level.
    let bare = |_| run::output(git(repository).args(["rev-parse", "--absolute-git-dir"]));
    Ok(last_part(&remote.or_else(|_| folder()).or_else(bare)?).to_owned())
}

/// The commits where a shallow clone ends. `git log` shows them without the parents they name.
fn boundary(repository: &Path) -> Result<HashSet<String>> {
    let ask = ["rev-parse", "--path-format=absolute", "--git-path", "shallow"];
    let path = run::output(git(repository).args(ask))?;
    Ok(fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect())
}

/// The parents that a commit object names in its head.
fn parents(object: &str) -> Vec<String> {
    let head = object.lines().take_while(|line| !line.is_empty());
    head.filter_map(|line| line.strip_prefix("parent ")).map(str::to_owned).collect()
}

fn git(repository: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(repository);
    // Set inside git's hooks; they would win over the path.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    git
}

/// Lines of id, parents and committer's time in seconds.
fn parse(log: &str) -> Result<Vec<Commit>> {
    let commit = |line: &str| {
        let mut fields = line.split('\t');
        let mut next = || fields.next().with_context(|| format!("git log printed {line:?}"));
        let id = next()?.to_owned();
        let parents = next()?.split_whitespace().map(str::to_owned).collect();
        let seconds: i64 = next()?.parse().with_context(|| format!("the time of {id}"))?;
        // Git knows times before 1970; a node's timestamp begins there.
        let timestamp = u64::try_from(seconds).unwrap_or(0) * 1000;
        Ok(Commit { id, parents, timestamp })
    };
    log.lines().map(commit).collect()
}

fn last_part(address: &str) -> &str {
    let address = address.trim_end_matches('/').trim_end_matches(".git").trim_end_matches('/');
    let last = address.rsplit(['/', ':']).next().filter(|name| !name.is_empty());
    last.unwrap_or("repository")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_parsed() -> Result<()> {
        let commits = parse("c\ta b\t1747512127\nb\t\t-5")?;
        assert_eq!(commits.len(), 2);
        assert_eq!(commits[0].parents, ["a", "b"]);
        assert_eq!(commits[0].timestamp, 1_747_512_127_000);
        assert_eq!(commits[1].parents, [""; 0]);
        assert_eq!(commits[1].timestamp, 0);
        Ok(())
    }

    #[test]
    fn a_broken_log_is_refused() {
        for log in ["c", "c\t", "c\ta\tsoon"] {
            assert!(parse(log).is_err(), "{log:?}");
        }
    }

    #[test]
    fn parents_are_read_from_the_head_alone() {
        let object = "tree t\nparent a\nparent b\nauthor x\n\nparent c\n";
        assert_eq!(parents(object), ["a", "b"]);
    }

    #[test]
    fn a_repository_has_a_name() {
        let cases = [
            ("ssh://host/group/icn-core.git", "icn-core"),
            ("host:icn-core", "icn-core"),
            ("/home/somebody/icn-core/", "icn-core"),
            ("/home/somebody/icn-core/.git", "icn-core"),
            ("/", "repository"),
        ];
        for (address, name) in cases {
            assert_eq!(last_part(address), name, "{address}");
        }
    }
}
