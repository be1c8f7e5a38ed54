use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::account::Account;

const CHALLENGE: &str = r#"Bearer error="invalid_request", error_description="No access token was provided in this request""#;

/// Lets a request with a bearer token go on, with its [`Account`] among the extensions; answers 401 to any other
/// (RFC 6750, section 3).
pub(crate) async fn require_bearer(mut request: Request, next: Next) -> Response {
    let Some(account) = bearer(request.headers()).map(Account::of_token) else {
        let challenge = [(WWW_AUTHENTICATE, CHALLENGE)];
        return (
            StatusCode::UNAUTHORIZED,
            challenge,
            "missing required Authorization header\n",
        )
            .into_response();
    };
    request.extensions_mut().insert(account);
    next.run(request).await
}

/// The token, where there is one. The scheme is matched without regard to case (RFC 9110, section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
