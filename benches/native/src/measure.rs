//! How figures are taken: whoever is compared takes turns, a chunk at a time, and medians are told, without the
//! first quarter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use tempfile::TempDir;

/// What our own figures are called.
const OURS: &str = "dag-store";

/// One side of a comparison: its name, and what it does in a round.
pub type Side<'a> = (&'a str, Box<dyn FnMut(usize) -> Result<()> + 'a>);

/// What was asked for on the command line.
#[derive(Debug)]
pub struct Asked {
    /// Whether this run only shows that the program works; its figures mean nothing.
    pub quick: bool,
    rows: BTreeSet<String>,
}

impl Asked {
    #[allow(clippy::new_without_default, reason = "it reads the command line")]
    pub fn new() -> Self {
        let words: BTreeSet<String> = std::env::args().skip(1).collect();
        let quick = words.contains("--quick");
        Self { quick, rows: words.into_iter().filter(|word| !word.starts_with("--")).collect() }
    }

    /// Whether a row is asked for; every one is where none is named.
    pub fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.contains(row)
    }

    pub fn wants_any(&self, rows: &[&str]) -> bool {
        rows.iter().any(|row| self.wants(row))
    }

    /// So many, or few in a quick run.
    pub fn many(&self, count: usize, few: usize) -> usize {
        if self.quick { few } else { count }
    }
}

/// A folder on a disk, for as long as it is held; the system's folder for what is temporary may be none.
pub fn disk() -> Result<TempDir> {
    Ok(match std::env::var_os("DAG_STORE_BENCH_DISK") {
        Some(disk) => TempDir::new_in(disk)?,
        None => TempDir::new()?,
    })
}

/// Runs all sides in turn, so many rounds of `count` things each. Gives nanoseconds for each thing. Who begins changes
/// from round to round.
pub fn in_turns(rounds: usize, count: usize, mut sides: Vec<Side<'_>>) -> Result<Figures> {
    let mut times: Vec<Vec<Duration>> = sides.iter().map(|_| Vec::with_capacity(rounds)).collect();
    let many = sides.len();
    for round in 0..rounds {
        for turn in 0..many {
            let at = (round + turn) % many;
            let start = Instant::now();
            (sides[at].1)(round)?;
            times[at].push(start.elapsed());
        }
    }
    let names = sides.iter().map(|(name, _)| (*name).to_owned());
    let medians = times.into_iter().map(|times| nanoseconds(settled_median(times)) / count as f64);
    Ok(Figures(names.zip(medians).collect()))
}

fn settled_median(mut times: Vec<Duration>) -> Duration {
    times.drain(..times.len() / 4);
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

pub fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

/// Figures by who they are of.
#[derive(Debug)]
pub struct Figures(pub BTreeMap<String, f64>);

impl Figures {
    pub fn of<const N: usize>(figures: [(&str, f64); N]) -> Self {
        Self(figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect())
    }

    /// The same in another unit.
    pub fn times(self, factor: f64) -> Self {
        Self(self.0.into_iter().map(|(name, figure)| (name, figure * factor)).collect())
    }

    /// Nanoseconds for each as so many a second.
    pub fn per_second(self) -> Self {
        Self(self.0.into_iter().map(|(name, figure)| (name, 1e9 / figure)).collect())
    }

    /// The two that a row is about: ours, whatever it is called here, and a peer's.
    pub fn pair(&self, ours: &str, peer: &str) -> Self {
        let figure = |name: &str| self.0.get(name).copied().unwrap_or(f64::NAN);
        Self::of([(OURS, figure(ours)), (peer, figure(peer))])
    }

    /// Ours and a peer's.
    pub fn beside(&self, peer: &str) -> Self {
        self.pair(OURS, peer)
    }

    /// The same, but one of them less another.
    pub fn less(mut self, name: &str, other: &str) -> Self {
        let less = self.0.get(other).copied().unwrap_or(f64::NAN);
        if let Some(figure) = self.0.get_mut(name) {
            *figure -= less;
        }
        self
    }

    /// Tells them.
    pub fn report(self, row: &str, rounds: usize) {
        let figures: BTreeMap<String, f64> =
            self.0.into_iter().map(|(name, figure)| (name, four_digits(figure))).collect();
        println!("{}", json!({ "row": row, "figures": figures, "rounds": rounds }));
    }
}

fn four_digits(figure: f64) -> f64 {
    format!("{figure:.3e}").parse().unwrap_or(figure)
}
