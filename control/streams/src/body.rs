//! Bodies, read whole within a bound.

use axum::body::{Body, Bytes, to_bytes};

use crate::refusal::Refusal;

/// Reads a request's body of at most `most` bytes.
///
/// # Errors
/// When it is larger, or was cut.
pub(crate) async fn read(body: Body, most: usize) -> Result<Bytes, Refusal> {
    let announced = http_body_size(&body);
    if announced.is_some_and(|size| size > most as u64) {
        return Err(Refusal::BodyTooLarge(most));
    }
    to_bytes(body, most)
        .await
        .map_err(|_| Refusal::BodyTooLarge(most))
}

fn http_body_size(body: &Body) -> Option<u64> {
    use axum::body::HttpBody as _;
    body.size_hint().exact()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_its_bound() {
        assert_eq!(read(Body::from("ab"), 2).await, Ok(Bytes::from("ab")));
        let refused = read(Body::from("abc"), 2).await;
        assert_eq!(refused, Err(Refusal::BodyTooLarge(2)));
    }
}
