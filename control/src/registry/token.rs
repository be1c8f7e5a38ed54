//! What a registry wants instead of a login: a token of its token service, where it names one.
//!
//! The client of registries does this, too, but tells neither what has failed nor whom it gives the login.

use http_auth::ChallengeRef;
use http_auth::parser::ChallengeParser;
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;

use super::Unreadable;
use crate::cause::root_cause;

/// How a registry is spoken with.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) http: Client,
    /// Whether it has no TLS.
    pub(super) is_plain: bool,
}

/// Where tokens are (Distribution, Token Authentication).
#[derive(Debug)]
struct Bearer {
    realm: String,
    service: Option<String>,
}

/// One of the two, or both (Distribution, Token Authentication: for compatibility with OAuth 2.0).
#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
}

impl Way {
    /// By what an image can be read: the login itself, unless the registry names a token service.
    ///
    /// # Errors
    /// Where neither lets control read it.
    pub(super) async fn access(
        &self,
        image: &Reference,
        login: RegistryAuth,
    ) -> Result<RegistryAuth, Unreadable> {
        let registry = image.resolve_registry();
        let scheme = if self.is_plain { "http" } else { "https" };
        let asked = self.http.get(format!("{scheme}://{registry}/v2/"));
        let answer = asked.send().await;
        let answer = answer.map_err(|error| Unreadable::Registry(root_cause(&error)))?;
        match answer.status() {
            StatusCode::OK => return Ok(RegistryAuth::Anonymous),
            StatusCode::UNAUTHORIZED => {}
            status => return Err(Unreadable::said(&format!("it answers {}", status.as_u16()))),
        }
        let Some(bearer) = bearer(&answer) else {
            return Ok(login);
        };
        let realm: Url = bearer
            .realm
            .parse()
            .map_err(|_| Unreadable::said(&format!("its token service is `{}`", bearer.realm)))?;
        let mut asked = self.http.get(realm.clone());
        if let RegistryAuth::Basic(user, password) = &login {
            if !self.may_have_login(&realm, registry) {
                return Err(Unreadable::InClear(printable_origin(&realm)));
            }
            asked = asked.basic_auth(user, Some(password));
        }
        let scope = format!("repository:{}:pull", image.repository());
        let service = bearer.service.map(|service| ("service", service));
        let query: Vec<_> = service.into_iter().chain([("scope", scope)]).collect();
        let answer = asked.query(&query).send().await;
        let told = |why: String| Unreadable::TokenService(printable_origin(&realm), why);
        let answer = answer.map_err(|error| told(root_cause(&error)))?;
        granted(answer, told).await
    }

    /// Nobody else on the network reads it: or only who reads all that is said to the registry.
    fn may_have_login(&self, realm: &Url, registry: &str) -> bool {
        let host = format!("http://{registry}").parse::<Url>().ok();
        let is_registry = host.is_some_and(|registry| registry.host() == realm.host());
        realm.scheme() == "https" || self.is_plain && is_registry
    }
}

async fn granted(
    answer: Response,
    told: impl Fn(String) -> Unreadable,
) -> Result<RegistryAuth, Unreadable> {
    match answer.status() {
        StatusCode::OK => {
            let bytes = answer.bytes().await;
            let bytes = bytes.map_err(|error| told(root_cause(&error)))?;
            let granted: Result<Granted, _> = serde_json::from_slice(&bytes);
            let token = granted.ok().and_then(|one| one.token.or(one.access_token));
            let token = token.ok_or_else(|| told("its answer has no token".to_owned()))?;
            Ok(RegistryAuth::Bearer(token))
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Unreadable::Unauthorized),
        status => Err(told(format!("it answers {}", status.as_u16()))),
    }
}

/// The first challenge of this kind.
fn bearer(answer: &Response) -> Option<Bearer> {
    let headers = answer.headers().get_all(WWW_AUTHENTICATE).iter();
    let mut challenges = headers
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| ChallengeParser::new(header).filter_map(Result::ok));
    let bearer = challenges.find(|one| one.scheme.eq_ignore_ascii_case("Bearer"))?;
    Some(Bearer {
        realm: parameter(&bearer, "realm")?,
        service: parameter(&bearer, "service"),
    })
}

fn parameter(challenge: &ChallengeRef<'_>, wanted: &str) -> Option<String> {
    let mut parameters = challenge.params.iter();
    let (_, value) = parameters.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
    Some(value.to_unescaped())
}

/// Scheme, host and port.
fn printable_origin(realm: &Url) -> String {
    realm.origin().ascii_serialization()
}

#[cfg(test)]
mod tests;
