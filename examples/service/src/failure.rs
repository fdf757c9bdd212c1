//! What went wrong, as an answer.

use std::error::Error;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dag_store::{DagError, ErrorKind};
use http_body_util::LengthLimitError;
use serde::Serialize;

/// An error of the store on its way to a client.
#[derive(Debug)]
pub(crate) struct Failure(DagError);

impl From<DagError> for Failure {
    fn from(error: DagError) -> Self {
        if is_too_long(&error) { Failure::too_large() } else { Failure(error) }
    }
}

impl Failure {
    /// An argument that makes no sense.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Failure(DagError::new(ErrorKind::InvalidArgument, message))
    }

    /// A body that is longer than it may be.
    pub(crate) fn too_large() -> Self {
        let message = "the body is longer than this service takes";
        Failure(DagError::new(ErrorKind::Limit, message))
    }

    /// A node that is not there.
    pub(crate) fn not_found(cid: dag_store::Cid) -> Self {
        let message = "the node is not in the store";
        Failure(DagError::new(ErrorKind::NotFound, message).with_cid(cid))
    }

    fn status(&self) -> StatusCode {
        match self.0.kind() {
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::InvalidCid
            | ErrorKind::InvalidNode
            | ErrorKind::InvalidArgument
            | ErrorKind::UnsupportedVersion => StatusCode::BAD_REQUEST,
            ErrorKind::MissingParent | ErrorKind::HasChildren | ErrorKind::ConditionFailed => {
                StatusCode::CONFLICT
            }
            ErrorKind::Compacted => StatusCode::GONE,
            ErrorKind::Limit => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::Contended
            | ErrorKind::Closed
            | ErrorKind::Locked
            | ErrorKind::NeedsReopen => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Quota => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Whether a body was longer than it may be.
fn is_too_long(error: &DagError) -> bool {
    let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.any(<dyn Error>::is::<LengthLimitError>)
}

/// An error as clients read it. What lies beneath it, such as the path of a file, is not theirs to know.
#[derive(Serialize)]
struct Told<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status();
        let Failure(error) = self;
        if status.is_server_error() {
            eprintln!("{}: {error}", error.code());
        }
        let told = Told {
            code: error.code(),
            message: error.message(),
            cid: error.cid().map(ToString::to_string),
            parent: error.parent().map(ToString::to_string),
            commit_id: error.commit_id().map(ToString::to_string),
            offset: error.offset(),
        };
        (status, Json(told)).into_response()
    }
}
