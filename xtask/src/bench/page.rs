//! The page that people read: `docs/benchmarks.md`.

use std::fmt::Write as _;

use anyhow::Result;

use super::machine::Machine;
use super::record::Record;
use super::rows::{OURS, Rows, Table, number};

const HEAD: &str = "\
# Benchmarks

What this store costs, beside what people would use or write otherwise. `cargo xtask bench` takes all of these figures, and writes this
page; `cargo xtask bench NAME…` does so for some rows or tables. The goals were set before the figures were known; a row that is
short of its goal is shown as what it is.

How it is measured: whoever is compared takes turns in one process, a chunk of some milliseconds each (or, where a disk, a start or a
browser is waited for, a whole run each), and the medians are told, without the first quarter of the rounds. Times on a machine that
others use too vary by some 40 %, such ratios by some 10 %: compare ratios, not times. Nodes have some 350 bytes, 200 of them
text.
";

/// Writes all of it.
pub(crate) fn page(rows: &Rows, record: &Record) -> Result<String> {
    let mut page = HEAD.to_owned();
    for table in &rows.tables {
        if table.rows.iter().any(|row| record.measured(&row.name).is_some()) {
            section(&mut page, table, record)?;
        }
    }
    machines(&mut page, rows, record)?;
    Ok(page)
}

fn section(page: &mut String, table: &Table, record: &Record) -> Result<()> {
    writeln!(page, "\n## {}\n\n{}\n", table.title, table.text.trim())?;
    writeln!(page, "![{}](benchmarks/{}.svg)\n", table.title, table.name)?;
    writeln!(page, "| row | what | {OURS} | others | ratio | goal | met |")?;
    writeln!(page, "|---|---|---:|---|---:|---:|---|")?;
    for row in &table.rows {
        let Some(measured) = record.measured(&row.name) else {
            writeln!(page, "| {} | {} | not measured yet | | | | |", row.name, row.what)?;
            continue;
        };
        let judged = row.judge(&measured.figures)?;
        let others = measured.figures.iter().filter(|(name, _)| *name != OURS);
        let others: Vec<String> =
            others.map(|(name, &figure)| format!("{name} {}", number(figure))).collect();
        let stretch = row.stretch.map(|stretch| format!(", stretch {}", number(stretch)));
        let goal = judged.goal.unwrap_or_default() + &stretch.unwrap_or_default();
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.name,
            row.what,
            judged.figure,
            others.join("; "),
            judged.ratio.unwrap_or_default(),
            goal,
            judged.met.map(|met| if met { "yes" } else { "**no**" }).unwrap_or_default()
        )?;
    }
    let mut notes = Vec::new();
    for row in &table.rows {
        let figures = record.measured(&row.name).map(|measured| &measured.figures);
        let met = figures.map(|figures| row.judge(figures)).transpose()?.and_then(|it| it.met);
        // What keeps us from a goal says nothing where it is met.
        let bound = if met == Some(false) { row.bound.trim() } else { "" };
        let texts: Vec<&str> =
            [row.note.trim(), bound].into_iter().filter(|text| !text.is_empty()).collect();
        if !texts.is_empty() {
            notes.push(format!("- **{}**: {}", row.name, texts.join(" ")));
        }
    }
    if !notes.is_empty() {
        writeln!(page, "\n{}", notes.join("\n"))?;
    }
    Ok(())
}

/// Where the figures are from: usually one machine and one day.
fn machines(page: &mut String, rows: &Rows, record: &Record) -> Result<()> {
    let mut groups: Vec<(&Machine, Vec<&str>)> = Vec::new();
    for row in rows.tables.iter().flat_map(|table| &table.rows) {
        let Some(machine) = record.machine(&row.name) else {
            continue;
        };
        let alike = |it: &Machine| Machine { load: machine.load, ..it.clone() } == *machine;
        match groups.iter_mut().find(|(it, _)| alike(it)) {
            Some((_, names)) => names.push(&row.name),
            None => groups.push((machine, vec![&row.name])),
        }
    }
    writeln!(page, "\n## Where\n")?;
    for (machine, names) in groups {
        let versions: Vec<String> =
            machine.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        writeln!(
            page,
            "- {}, {} cores, {}; {}, commit {}; load when it began {}. {}. Rows: {}.",
            machine.processor,
            machine.cores,
            machine.system,
            machine.date,
            machine.commit,
            machine.load,
            versions.join(", "),
            names.join(", ")
        )?;
    }
    Ok(())
}
