//! What is measured, and the goals: `benches/rows.toml`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::workspace::{Workspace, read};

/// What our own figures are called.
pub(crate) const OURS: &str = "dag-store";

/// Stands for whoever is best of the others.
const EACH: &str = "each";

/// All tables.
#[derive(Debug, Deserialize)]
pub(crate) struct Rows {
    #[serde(rename = "table")]
    pub(crate) tables: Vec<Table>,
}

/// Rows that are shown together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) title: String,
    /// What a reader must know, in Markdown.
    pub(crate) text: String,
    /// Whether its figures are shown as lines, of how they grow, rather than as bars.
    #[serde(default)]
    pub(crate) lines: bool,
    #[serde(rename = "row")]
    pub(crate) rows: Vec<Row>,
}

/// One comparison, or one figure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) what: String,
    /// Which program measures it.
    pub(crate) program: String,
    pub(crate) unit: String,
    /// Whether more of the unit is better.
    #[serde(default)]
    pub(crate) more: bool,
    /// Whom the goal compares us with, or [`EACH`]; without it, the goal is about the figure itself.
    pub(crate) against: Option<String>,
    /// The goal: that many times as good.
    pub(crate) at_least: Option<f64>,
    /// The goal: that much of the other's figure, or of the unit.
    pub(crate) at_most: Option<f64>,
    /// The goal beyond the goal, of the same kind.
    pub(crate) stretch: Option<f64>,
    /// What a peer does less or more.
    #[serde(default)]
    pub(crate) note: String,
    /// What keeps us from the goal, and what was tried.
    #[serde(default)]
    pub(crate) bound: String,
    /// What Debian calls what it needs.
    #[serde(default)]
    pub(crate) packages: Vec<String>,
    /// The feature that a program in Rust needs for it.
    pub(crate) feature: Option<String>,
    /// Takes too long (or to build) even for a quick run, unless it is named.
    #[serde(default)]
    pub(crate) long: bool,
}

/// A row's figures, in words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) figure: String,
    pub(crate) against: Option<String>,
    pub(crate) ratio: Option<String>,
    pub(crate) goal: Option<String>,
    pub(crate) met: Option<bool>,
}

impl Rows {
    /// Reads the clone's file.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let path = workspace.root().join("benches/rows.toml");
        let rows: Self =
            toml::from_str(&read(&path)?).with_context(|| format!("reading {}", path.display()))?;
        let mut names: Vec<&str> = rows.all().map(|(_, row)| row.name.as_str()).collect();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair.first() == pair.get(1));
        ensure!(twice.is_none(), "{}: a name is there twice: {twice:?}", path.display());
        Ok(rows)
    }

    fn all(&self) -> impl Iterator<Item = (&Table, &Row)> {
        self.tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)))
    }

    /// Those of these names; all, where none is named.
    pub(crate) fn chosen(&self, names: &[String]) -> Result<Vec<(&Table, &Row)>> {
        for name in names {
            let known = self.all().any(|(table, row)| row.name == *name || table.name == *name);
            let tables: Vec<&str> = self.tables.iter().map(|table| table.name.as_str()).collect();
            ensure!(known, "no row and no table is called {name}; tables: {}", tables.join(", "));
        }
        let asked = |(table, row): &(&Table, &Row)| {
            names.is_empty() || names.iter().any(|name| row.name == *name || table.name == *name)
        };
        Ok(self.all().filter(asked).collect())
    }
}

impl Row {
    /// Whom we are compared with, if there is a figure, and that figure.
    fn other<'a>(&'a self, figures: &'a BTreeMap<String, f64>) -> Option<(&'a str, f64)> {
        let against = self.against.as_deref()?;
        let others = figures.iter().filter(|(name, _)| *name != OURS);
        let mut others = others.map(|(name, &figure)| (name.as_str(), figure));
        match against {
            EACH if self.more => others.max_by(|(_, one), (_, other)| one.total_cmp(other)),
            EACH => others.min_by(|(_, one), (_, other)| one.total_cmp(other)),
            _ => others.find(|(name, _)| *name == against),
        }
    }

    /// The figure that the goal is about.
    fn compared(&self, figures: &BTreeMap<String, f64>) -> Result<f64> {
        let ours = figures.get(OURS).copied();
        let ours = ours.with_context(|| format!("{} has no figure of ours", self.name))?;
        let Some(against) = &self.against else {
            return Ok(ours);
        };
        let other = self.other(figures);
        let (_, theirs) = other.with_context(|| format!("{}: no {against}", self.name))?;
        let how_much_less = self.more == self.at_most.is_some();
        Ok(if how_much_less { theirs / ours } else { ours / theirs })
    }

    /// Whether figures are told as so many times.
    fn sign(&self) -> &'static str {
        if self.against.is_some() { " ×" } else { "" }
    }

    /// Holds the figures against the goal.
    pub(crate) fn judge(&self, figures: &BTreeMap<String, f64>) -> Result<Judged> {
        let compared = self.compared(figures)?;
        let ours = figures.get(OURS).copied().unwrap_or_default();
        let goal = match (self.at_least, self.at_most) {
            (Some(goal), _) => {
                Some((format!("≥ {}{}", number(goal), self.sign()), compared >= goal))
            }
            (_, Some(goal)) => {
                Some((format!("≤ {}{}", number(goal), self.sign()), compared <= goal))
            }
            (None, None) => None,
        };
        let against = self.other(figures);
        let against = against.map(|(name, figure)| format!("{name} {}", number(figure)));
        Ok(Judged {
            figure: format!("{} {}", number(ours), self.unit),
            ratio: against.is_some().then(|| format!("{} ×", number(compared))),
            against,
            met: goal.as_ref().map(|(_, met)| *met),
            goal: goal.map(|(goal, _)| goal),
        })
    }

    /// One line for people who wait.
    pub(crate) fn summary(&self, figures: &BTreeMap<String, f64>) -> Result<String> {
        let judged = self.judge(figures)?;
        let ratio = judged.ratio.zip(judged.against);
        let ratio = ratio.map(|(ratio, against)| format!(", {ratio} ({against})"));
        Ok(format!("{}: {}{}", self.name, judged.figure, ratio.unwrap_or_default()))
    }

    /// Our own figure, if it were just what the goal asks for.
    pub(crate) fn goal_figure(&self, figures: &BTreeMap<String, f64>) -> Option<f64> {
        let goal = self.at_least.or(self.at_most)?;
        if self.against.is_none() {
            return Some(goal);
        }
        let (_, theirs) = self.other(figures)?;
        let how_much_less = self.more == self.at_most.is_some();
        Some(if how_much_less { theirs / goal } else { theirs * goal })
    }
}

/// A figure with three digits that mean something, thousands grouped.
pub(crate) fn number(figure: f64) -> String {
    if figure == 0.0 || !figure.is_finite() {
        return format!("{figure}");
    }
    #[allow(clippy::cast_possible_truncation, reason = "the logarithm of a float is small")]
    let digits = figure.abs().log10().floor() as i32;
    let places = usize::try_from((2 - digits).max(0)).unwrap_or_default();
    let text = format!("{figure:.places$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let rest = rest.trim_end_matches('0');
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), crate::table::grouped);
    if rest.is_empty() { whole } else { format!("{whole}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(goal: &str) -> Result<Row> {
        Ok(toml::from_str(&format!("name='a'\nwhat='b'\nprogram='c'\nunit='s'\n{goal}"))?)
    }

    fn figures(ours: f64, theirs: f64) -> BTreeMap<String, f64> {
        [(OURS.to_owned(), ours), ("peer".to_owned(), theirs)].into()
    }

    #[test]
    fn less_time_is_better() -> Result<()> {
        let row = row("against='peer'\nat_least=4.0")?;
        assert_eq!(row.judge(&figures(2.0, 10.0))?.met, Some(true));
        assert_eq!(row.judge(&figures(3.0, 10.0))?.met, Some(false));
        assert_eq!(row.goal_figure(&figures(2.0, 10.0)), Some(2.5));
        Ok(())
    }

    #[test]
    fn a_higher_rate_is_better() -> Result<()> {
        let row = row("against='peer'\nmore=true\nat_least=4.0")?;
        assert_eq!(row.judge(&figures(40.0, 10.0))?.ratio.as_deref(), Some("4 ×"));
        assert_eq!(row.judge(&figures(39.0, 10.0))?.met, Some(false));
        assert_eq!(row.goal_figure(&figures(39.0, 10.0)), Some(40.0));
        Ok(())
    }

    #[test]
    fn a_cost_may_be_so_much_of_another() -> Result<()> {
        let row = row("against='peer'\nat_most=1.5")?;
        assert_eq!(row.judge(&figures(15.0, 10.0))?.met, Some(true));
        assert_eq!(row.judge(&figures(16.0, 10.0))?.met, Some(false));
        let rate = super::Row { more: true, ..row };
        assert_eq!(rate.judge(&figures(10.0, 15.0))?.met, Some(true));
        assert_eq!(rate.judge(&figures(10.0, 16.0))?.met, Some(false));
        Ok(())
    }

    #[test]
    fn each_other_is_beaten_by_beating_the_best() -> Result<()> {
        let row = row("against='each'\nat_least=1.0")?;
        let mut figures = figures(2.0, 10.0);
        figures.insert("faster".to_owned(), 3.0);
        let judged = row.judge(&figures)?;
        assert_eq!((judged.ratio.as_deref(), judged.met), (Some("1.5 ×"), Some(true)));
        assert_eq!(judged.against.as_deref(), Some("faster 3"));
        figures.insert("faster still".to_owned(), 1.0);
        assert_eq!(row.judge(&figures)?.met, Some(false));
        Ok(())
    }

    #[test]
    fn a_goal_may_be_a_figure() -> Result<()> {
        let row = row("at_most=8.0")?;
        let judged = row.judge(&figures(7.5, 0.0))?;
        assert_eq!((judged.met, judged.ratio), (Some(true), None));
        assert_eq!(judged.goal.as_deref(), Some("≤ 8"));
        assert!(row.judge(&BTreeMap::new()).is_err());
        Ok(())
    }

    #[test]
    fn numbers_have_three_digits() {
        let cases =
            [(0.0, "0"), (0.1234, "0.123"), (4.0, "4"), (12.345, "12.3"), (1234.5, "1,234")];
        for (figure, text) in cases {
            assert_eq!(number(figure), text);
        }
    }
}
