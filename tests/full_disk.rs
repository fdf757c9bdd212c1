//! What happens to the journal in a file when there is no more room: in a process of its own, for which files
//! may only have some length.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

#[cfg(unix)]
mod files;

#[cfg(unix)]
fn main() {
    use libtest_mimic::{Arguments, Trial};

    if let Some(path) = std::env::var_os(unix::PATH_VARIABLE) {
        return futures::executor::block_on(unix::fill(path.as_ref()));
    }
    let name = "a_full_disk_is_told_takes_nothing_away_and_what_fits_is_still_written";
    let trial = Trial::test(name, || {
        unix::a_full_disk();
        Ok(())
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit();
}

/// Elsewhere nothing limits the length of files.
#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod unix {
    use std::path::Path;
    use std::process::Command;

    use dag_store::{Checkpoint, ErrorKind, FileJournal, Journal as _, StateHash};
    use futures::executor::block_on;
    use futures::{StreamExt as _, stream};

    use crate::files::{Scratch, read_on, segment};

    /// Tells a process to fill the journal of this path, and nothing else.
    pub(crate) const PATH_VARIABLE: &str = "DAG_STORE_TEST_FULL_DISK";

    pub(crate) fn a_full_disk() {
        let scratch = Scratch::new();
        let path = scratch.path("j");
        // The signal that comes with the limit is ignored; then the write fails, in its midst.
        let output = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\""])
            .arg(std::env::current_exe().unwrap())
            .env(PATH_VARIABLE, &path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(scratch.names(), ["j"]);
        let count: usize = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        assert!(count > 4, "{count} segments");
        block_on(async {
            let journal = FileJournal::open(&path).await.unwrap();
            let (read, end) = read_on(&journal, 0, 1 << 20).await;
            end.unwrap();
            assert_eq!(read.len(), count);
            assert_eq!(journal.status().await.unwrap().bytes_cut, 0);
        });
    }

    /// Appends until there is no room, then what there is room for; prints how many segments there are.
    pub(crate) async fn fill(path: &Path) {
        let journal = FileJournal::open(path).await.unwrap();
        let mut all = vec![segment(1, 10_000)];
        let first = all[0].clone();
        assert!(journal.append(dag_store::Tip::default(), &all).await.unwrap());
        let error = loop {
            let next = segment(all.len() as u64 + 1, 10_000);
            match journal.append(crate::files::tip(&all), std::slice::from_ref(&next)).await {
                Ok(appended) => assert!(appended),
                Err(error) => break error,
            }
            all.push(next);
        };
        assert_eq!(error.kind(), ErrorKind::Quota, "{error:?}");
        let (read, end) = read_on(&journal, 0, 1 << 20).await;
        assert!(end.is_ok() && read == all);
        let small = segment(all.len() as u64 + 1, 100);
        assert!(journal.append(crate::files::tip(&all), &[small]).await.unwrap());
        let checkpoint =
            Checkpoint { sequence: 1, commit: first.commit, state_hash: StateHash::from([0; 32]) };
        let parts = stream::once(async { Ok(vec![7; 100_000]) }).boxed();
        let error = journal.write_checkpoint(checkpoint, parts).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Quota, "{error:?}");
        journal.close().await.unwrap();
        println!("{}", all.len() + 1);
    }
}
