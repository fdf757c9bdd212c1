//! What a database failed with, in our words. Never in its own details, which may quote rows, nor with
//! anything of how it was reached.

use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::{DagError, ErrorKind};

/// Why something was not done.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: DagError,
    /// Whether it may go well the next time.
    pub(super) passing: bool,
    /// Whether the server has said so itself, while the connection lived on: then it has surely done nothing.
    pub(super) sure: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let Some(told) = error.as_db_error() else {
            // The text may hold what a certificate says, but no password.
            let cause = std::error::Error::source(&error);
            let gone = error.is_closed() || cause.is_some();
            let said = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
            let what = "the connection to the database failed";
            let error = DagError::new(ErrorKind::Storage, what).with_source(said);
            return Failure { error, passing: gone, sure: false };
        };
        let code = told.code();
        let class = code.code().get(..2).unwrap_or_default();
        let (kind, what) = match *code {
            SqlState::DISK_FULL => (ErrorKind::Quota, "the database has no room left"),
            SqlState::INSUFFICIENT_PRIVILEGE => (
                ErrorKind::Storage,
                "the database refuses: the role lacks a right; `docs/postgres.md` lists those it needs",
            ),
            SqlState::LOCK_NOT_AVAILABLE => {
                (ErrorKind::Contended, "others kept the journal locked for too long")
            }
            SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
                (ErrorKind::Corrupt, "the database is damaged")
            }
            _ if class == "40" => (ErrorKind::Contended, "the database could not serialise this"),
            _ if class == "28" => {
                (ErrorKind::Storage, "the database refuses the role or its password")
            }
            _ => (ErrorKind::Storage, "the database failed"),
        };
        // 08 and 57: the connection or the server goes; 58 and XX: it is not itself.
        let sure = !matches!(class, "08" | "57" | "58" | "XX");
        let passing = matches!(class, "08" | "40" | "57") || *code == SqlState::LOCK_NOT_AVAILABLE;
        let said = format!("{}: {}", code.code(), told.message());
        Failure { error: DagError::new(kind, what).with_source(said), passing, sure }
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Closed => {
                let error = DagError::new(ErrorKind::Closed, "the journal is closed");
                Failure { error, passing: false, sure: true }
            }
            other => {
                let error = DagError::new(ErrorKind::Storage, "the database can't be reached")
                    .with_source(other.to_string());
                Failure { error, passing: true, sure: true }
            }
        }
    }
}

/// Something of ours that is no failure of the database.
impl From<DagError> for Failure {
    fn from(error: DagError) -> Self {
        Failure { error, passing: false, sure: true }
    }
}
