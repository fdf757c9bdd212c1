//! Plots: for each row a bar for every figure, ours first, with the goal as a line across
//! our own; or lines. Lengths are in proportion within a row. It follows the reader's dark or light mode.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::lines;
use super::record::Record;
use super::rows::{OURS, Row, Table, number};

pub(super) const WIDTH: f64 = 860.0;
pub(super) const MARGIN: f64 = 20.0;
/// Where bars begin; names stand before that.
const BARS: f64 = 170.0;
/// The longest bar; its figure stands after it.
const LONGEST: f64 = 470.0;
const BAR: f64 = 14.0;
const BAR_STEP: f64 = 20.0;
const TITLE: f64 = 26.0;
const ROW_GAP: f64 = 18.0;
/// What is so many times as long as our own bar and the goal is cut, or else those couldn't be seen.
const CUT: f64 = 30.0;
/// What is shorter couldn't be seen.
const SHORTEST: f64 = 1.5;

const STYLE: &str = "\
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .row { font-weight: 600; }
  .small { font-size: 12px; font-weight: 400; fill: #59636e; }
  .name { text-anchor: end; }
  .paper { fill: #ffffff; }
  .ours { fill: #0969da; }
  .peer { fill: #afb8c1; }
  .goal { stroke: #bc4c00; stroke-width: 2; }
  .cut { stroke: #ffffff; stroke-width: 3; }
  .grid { stroke: #d1d9e0; }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
  .a { stroke: #0969da; } .b { stroke: #bf8700; } .c { stroke: #1a7f37; } .d { stroke: #8250df; }
  text.a { fill: #0969da; } text.b { fill: #9a6700; } text.c { fill: #1a7f37; } text.d { fill: #8250df; }
  text.a, text.b, text.c, text.d { stroke: none; }
  .met { fill: #1a7f37; }
  .short { fill: #bc4c00; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .paper { fill: #0d1117; }
    .ours { fill: #4493f8; }
    .peer { fill: #59636e; }
    .goal { stroke: #f0883e; }
    .cut { stroke: #0d1117; }
    .grid { stroke: #3d444d; }
    .a { stroke: #4493f8; } .b { stroke: #d29922; } .c { stroke: #3fb950; } .d { stroke: #ab7df8; }
    text.a { fill: #4493f8; } text.b { fill: #d29922; } text.c { fill: #3fb950; } text.d { fill: #ab7df8; }
    .met { fill: #3fb950; }
    .short { fill: #f0883e; }
  }
";

const KEY: &str =
    "blue: dag-store. Each row has a scale of its own; the line across the blue bar is the goal.";

/// Draws a table; nothing, if none of its rows has been measured.
pub(crate) fn draw(table: &Table, record: &Record) -> Result<Option<String>> {
    let mut body = String::new();
    let mut y = MARGIN + 18.0;
    element(&mut body, "title", MARGIN, y, &table.title)?;
    y += 20.0;
    let key = if table.lines { lines::KEY } else { KEY };
    element(&mut body, "small", MARGIN, y, key)?;
    y += 14.0;
    let rows = table.rows.iter();
    let measured: Vec<(&Row, &BTreeMap<String, f64>)> =
        rows.filter_map(|row| Some((row, &record.measured(&row.name)?.figures))).collect();
    if table.lines {
        y = lines::draw(&mut body, &measured, y)?;
    } else {
        for &(row, figures) in &measured {
            y = draw_row(&mut body, row, figures, y + ROW_GAP)?;
        }
    }
    let height = y + MARGIN;
    let head = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n",
        escaped(&table.title)
    );
    Ok((!measured.is_empty()).then(|| format!("{head}{body}</svg>\n")))
}

/// Draws a row from here down; gives where it ends.
fn draw_row(
    body: &mut String,
    row: &Row,
    figures: &BTreeMap<String, f64>,
    top: f64,
) -> Result<f64> {
    let judged = row.judge(figures)?;
    let mut y = top + 10.0;
    let better = if row.more { "more is better" } else { "less is better" };
    writeln!(
        body,
        "<text class=\"row\" x=\"{MARGIN}\" y=\"{y}\">{}<tspan class=\"small\" dx=\"8\">{}, {better}\
         </tspan></text>",
        escaped(&row.what),
        escaped(&row.name)
    )?;
    let ratio = judged.ratio.map(|ratio| format!("{ratio} "));
    let goal = judged.goal.map(|goal| format!("(goal {goal})"));
    let verdict = format!("{}{}", ratio.unwrap_or_default(), goal.unwrap_or_default());
    let class = match judged.met {
        Some(true) => "met",
        Some(false) => "short",
        None => "small",
    };
    writeln!(
        body,
        "<text class=\"{class}\" x=\"{}\" y=\"{y}\" text-anchor=\"end\">{}</text>",
        WIDTH - MARGIN,
        escaped(&verdict)
    )?;
    y += TITLE - 16.0;
    let goal = row.goal_figure(figures);
    let most = figures.values().copied().chain(goal).fold(f64::MIN_POSITIVE, f64::max);
    let own = figures.get(OURS).copied().into_iter().chain(goal).fold(f64::MIN_POSITIVE, f64::max);
    let most = most.min(CUT * own);
    let length = |figure: f64| (LONGEST * figure / most).clamp(SHORTEST, LONGEST);
    let ours = figures.iter().filter(|(name, _)| *name == OURS);
    for (name, &figure) in ours.chain(figures.iter().filter(|(name, _)| *name != OURS)) {
        let class = if name == OURS { "ours" } else { "peer" };
        let text = y + BAR - 3.0;
        writeln!(
            body,
            "<text class=\"name\" x=\"{}\" y=\"{text}\">{}</text>",
            BARS - 8.0,
            escaped(name)
        )?;
        writeln!(
            body,
            "<rect class=\"{class}\" x=\"{BARS}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>",
            length(figure)
        )?;
        let mut after = BARS + length(figure);
        if figure > most {
            let (x, y) = (after - 16.0, y - 2.0);
            writeln!(
                body,
                "<path class=\"cut\" d=\"M{x} {}l6 -{BAR_STEP}m4 0l-6 {BAR_STEP}\"/>",
                y + BAR_STEP
            )?;
        }
        if let Some(goal) = goal.filter(|_| name == OURS) {
            let x = BARS + length(goal);
            writeln!(
                body,
                "<line class=\"goal\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\"/>",
                y - 3.0,
                y + BAR + 3.0
            )?;
            after = after.max(x);
        }
        element(body, "small", after + 8.0, text, &format!("{} {}", number(figure), row.unit))?;
        y += BAR_STEP;
    }
    Ok(y)
}

pub(super) fn element(body: &mut String, class: &str, x: f64, y: f64, text: &str) -> Result<()> {
    writeln!(body, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(text))?;
    Ok(())
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
