//! A response whose body is read piece by piece and never past a bound.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use crate::cause::root_cause;

/// Most bytes that are read of one response body.
pub const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// A response head, and the body still to be read.
#[derive(Debug)]
pub struct Reply {
    response: reqwest::Response,
    read: usize,
}

/// Why a body could not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The connection ended inside the body.
    #[error("the body was cut: {0}")]
    Cut(String),
    /// More than [`MAX_BODY_BYTES`].
    #[error("the body has more than {MAX_BODY_BYTES} bytes")]
    TooLarge,
}

impl Reply {
    pub(super) fn new(response: reqwest::Response) -> Self {
        Self { response, read: 0 }
    }

    /// HTTP status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Response headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The media type without its parameters, lower-cased; empty where there is none.
    pub fn media_type(&self) -> String {
        let value = self
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let essence = value
            .and_then(|value| value.split(';').next())
            .unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }

    /// The next piece of the body as it comes; `None` at its end.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, ReadError> {
        let chunk = self
            .response
            .chunk()
            .await
            .map_err(|error| ReadError::Cut(root_cause(&error)))?;
        self.read += chunk.as_ref().map_or(0, |bytes| bytes.len());
        if self.read > MAX_BODY_BYTES {
            return Err(ReadError::TooLarge);
        }
        Ok(chunk)
    }

    /// The rest of the body.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn bytes(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            bytes.extend_from_slice(chunk.as_ref());
        }
        Ok(bytes)
    }
}
