//! How a check says that it failed: a sentence and a place, never a panic.

use std::fmt::{self, Debug};
use std::panic::Location;

use crate::{DagError, ErrorKind};

/// What a check comes to.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Why a check failed, and where in the suite that came to light.
pub struct Failure {
    message: String,
    location: &'static Location<'static>,
}

impl Failure {
    #[track_caller]
    pub(super) fn new(message: impl Into<String>) -> Self {
        Failure { message: message.into(), location: Location::caller() }
    }

    /// What was expected, and what was found.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line of the suite that found it.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.message, self.location.file(), self.location.line())
    }
}

impl Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

impl From<DagError> for Failure {
    #[track_caller]
    fn from(error: DagError) -> Self {
        Failure::new(format!("unexpected {}: {error}", error.code()))
    }
}

/// The rule itself: `holds`, or the check failed.
#[track_caller]
pub(super) fn ensure(holds: bool, otherwise: &str) -> Outcome {
    if holds { Ok(()) } else { Err(Failure::new(otherwise)) }
}

/// What the experiment needs before it can show anything.
#[track_caller]
pub(super) fn precondition(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(Failure::new(format!("the check would be vacuous: {what}"))) }
}

/// The rule itself: these are equal.
#[track_caller]
#[allow(clippy::needless_pass_by_value, reason = "so that a check can say what it expects")]
pub(super) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Outcome {
    if found == expected {
        return Ok(());
    }
    Err(Failure::new(format!("{what}: expected {}, found {}", brief(&expected), brief(&found))))
}

/// The rule itself: these differ.
#[track_caller]
#[allow(clippy::needless_pass_by_value, reason = "so that a check can say what it expects")]
pub(super) fn different<T: PartialEq + Debug>(what: &str, one: T, other: T) -> Outcome {
    if one != other {
        return Ok(());
    }
    Err(Failure::new(format!("{what}: both are {}", brief(&one))))
}

/// The rule itself: this is refused, as an error of this kind.
#[track_caller]
pub(super) fn refused<T: Debug>(
    what: &str,
    result: Result<T, DagError>,
    kind: ErrorKind,
) -> Outcome<DagError> {
    match result {
        Err(error) if error.kind() == kind => Ok(error),
        Err(error) => Err(Failure::new(format!(
            "{what}: expected {}, found {}: {error}",
            kind.code(),
            error.code()
        ))),
        Ok(value) => Err(Failure::new(format!(
            "{what}: expected {}, found success: {}",
            kind.code(),
            brief(&value)
        ))),
    }
}

/// A value in a line, however large it is.
fn brief(value: &impl Debug) -> String {
    const MOST: usize = 400;
    let text = format!("{value:?}");
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
