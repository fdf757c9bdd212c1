//! Plots of how cost grows: a line for each row, over the number of nodes in the store, as so many times what it is in the
//! smallest. One panel for Rust, one for JavaScript.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::is_script;
use super::plot::{MARGIN, WIDTH, element, escaped};
use super::rows::{OURS, Row, number};

pub(super) const KEY: &str = "How many times as much as in a store of 10,000 nodes; the broken line is the goal, no more than twice.";
/// The figures of a row, from the left to the right.
const SIZES: [(&str, &str); 3] =
    [("10,000 nodes", "10,000"), ("100,000 nodes", "100,000"), (OURS, "1,000,000 nodes")];
const COLOURS: [&str; 4] = ["a", "b", "c", "d"];
const PANEL: f64 = (WIDTH - 2.0 * MARGIN - GAP) / 2.0;
const GAP: f64 = 24.0;
const HEIGHT: f64 = 240.0;
/// Names stand after the lines.
const NAMES: f64 = 185.0;
const AXIS: f64 = 24.0;
/// Names below one another are so far apart.
const LINE: f64 = 17.0;
const GOAL: f64 = 2.0;

/// Draws the panels from here down; gives where they end.
pub(super) fn draw(
    body: &mut String,
    rows: &[(&Row, &BTreeMap<String, f64>)],
    top: f64,
) -> Result<f64> {
    let most = rows.iter().flat_map(|(_, figures)| points(figures)).fold(GOAL, f64::max) * 1.1;
    let top = top + 40.0;
    for (panel, name) in ["Rust", "JavaScript, in Node"].into_iter().enumerate() {
        let left = if panel == 0 { MARGIN } else { MARGIN + PANEL + GAP };
        element(body, "row", left, top - 18.0, name)?;
        let here: Vec<_> =
            rows.iter().filter(|(row, _)| is_script(&row.program) == (panel == 1)).collect();
        draw_panel(body, &here, left, top, most)?;
    }
    Ok(top + HEIGHT + AXIS)
}

fn draw_panel(
    body: &mut String,
    rows: &[&(&Row, &BTreeMap<String, f64>)],
    left: f64,
    top: f64,
    most: f64,
) -> Result<()> {
    let (first, last) = (left + AXIS, left + PANEL - NAMES);
    let x = |place: usize| first + (last - first) * [0.0, 0.5, 1.0][place.min(2)];
    let y = |times: f64| top + HEIGHT * (1.0 - times / most);
    let step = (most / 5.0).ceil();
    let mut tick = 0.0;
    while tick < most {
        let y = y(tick);
        writeln!(
            body,
            "<line class=\"grid\" x1=\"{first}\" x2=\"{last}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
        )?;
        let text = format!("{tick} ×");
        writeln!(
            body,
            "<text class=\"small name\" x=\"{}\" y=\"{:.1}\">{text}</text>",
            first - 5.0,
            y + 4.0
        )?;
        tick += step;
    }
    let goal = y(GOAL);
    writeln!(
        body,
        "<line class=\"goal\" stroke-dasharray=\"5 4\" x1=\"{first}\" x2=\"{last}\" y1=\"{goal:.1}\" y2=\"{goal:.1}\"/>"
    )?;
    for (place, (_, label)) in SIZES.iter().enumerate() {
        let (x, y) = (x(place), top + HEIGHT + 18.0);
        writeln!(
            body,
            "<text class=\"small\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{y:.1}\">{label}</text>"
        )?;
    }
    let mut names = Vec::new();
    for ((row, figures), colour) in rows.iter().zip(COLOURS.iter().cycle()) {
        let times: Vec<f64> = points(figures).collect();
        let path: Vec<String> = times
            .iter()
            .enumerate()
            .map(|(place, &times)| format!("{:.1},{:.1}", x(place), y(times)))
            .collect();
        writeln!(body, "<polyline class=\"line {colour}\" points=\"{}\"/>", path.join(" "))?;
        let end = times.last().copied().unwrap_or_default();
        let what = row.what.split(", in Node").next().unwrap_or(&row.what);
        names.push((y(end), colour, format!("{what} {} ×", number(end))));
    }
    // From the lowest up, none upon another.
    names.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    let mut below = f64::INFINITY;
    for (at, colour, text) in names {
        let at = (at + 4.0).min(below - LINE);
        writeln!(
            body,
            "<text class=\"{colour}\" x=\"{:.1}\" y=\"{at:.1}\">{}</text>",
            last + 8.0,
            escaped(&text)
        )?;
        below = at;
    }
    Ok(())
}

/// A row's figures as so many times the first.
fn points(figures: &BTreeMap<String, f64>) -> impl Iterator<Item = f64> {
    let values: Vec<f64> =
        SIZES.iter().filter_map(|(name, _)| figures.get(*name).copied()).collect();
    let first = values.first().copied().unwrap_or(1.0);
    values.into_iter().map(move |value| value / first)
}
