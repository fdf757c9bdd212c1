//! The figures that are kept: a JSON file for each table.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::rows::{Row, Rows};
use crate::workspace::{read, write};

/// What a program said of a row.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Measured {
    pub(crate) figures: BTreeMap<String, f64>,
    /// How often each side had its turn.
    pub(crate) rounds: u32,
    pub(crate) seconds: u64,
}

/// A row as it is kept.
#[derive(Debug, Deserialize, Serialize)]
struct Kept {
    row: String,
    unit: String,
    #[serde(flatten)]
    measured: Measured,
    machine: Machine,
}

/// All that is kept, by the names of the rows.
#[derive(Debug)]
pub(crate) struct Record {
    folder: PathBuf,
    kept: BTreeMap<String, Kept>,
}

impl Record {
    /// Reads what there is in the folder.
    pub(crate) fn open(folder: &Path, rows: &Rows) -> Result<Self> {
        let mut kept = BTreeMap::new();
        for table in &rows.tables {
            let path = path(folder, &table.name);
            if !path.exists() {
                continue;
            }
            let list: Vec<Kept> = serde_json::from_str(&read(&path)?)
                .with_context(|| format!("reading {}", path.display()))?;
            let list =
                list.into_iter().filter(|it| table.rows.iter().any(|row| row.name == it.row));
            kept.extend(list.map(|it| (it.row.clone(), it)));
        }
        Ok(Self { folder: folder.to_owned(), kept })
    }

    /// Takes new figures of a row, in place of those that were there.
    pub(crate) fn take(&mut self, row: &Row, measured: Measured, machine: &Machine) {
        let kept = Kept {
            row: row.name.clone(),
            unit: row.unit.clone(),
            measured,
            machine: machine.clone(),
        };
        self.kept.insert(row.name.clone(), kept);
    }

    /// A row's figures, if there are any.
    pub(crate) fn measured(&self, row: &str) -> Option<&Measured> {
        self.kept.get(row).map(|kept| &kept.measured)
    }

    /// Where a row's figures were taken.
    pub(crate) fn machine(&self, row: &str) -> Option<&Machine> {
        self.kept.get(row).map(|kept| &kept.machine)
    }

    /// How many seconds these rows took the last time, where each has been measured.
    pub(crate) fn estimate(&self, rows: &[&str]) -> Option<u64> {
        rows.iter().map(|row| self.measured(row).map(|measured| measured.seconds)).sum()
    }

    /// Writes a file for each table, with its rows in order.
    pub(crate) fn save(&self, rows: &Rows) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        for table in &rows.tables {
            let list: Vec<&Kept> =
                table.rows.iter().filter_map(|row| self.kept.get(&row.name)).collect();
            if !list.is_empty() {
                let text = serde_json::to_string_pretty(&list)?;
                write(&path(&self.folder, &table.name), text + "\n")?;
            }
        }
        Ok(())
    }
}

fn path(folder: &Path, table: &str) -> PathBuf {
    folder.join(table).with_extension("json")
}
