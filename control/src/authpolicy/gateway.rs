//! Policies of Gateways.

use mcp_filter_config::{Authentication, Condition, Denial, HeaderValue, Issuer, Rule};
use reqwest::Url;

use super::denial::{denial, wordless};
use super::pattern;
use super::spec::{AuthenticationRule, Credentials, GatewaySpec, read};
use crate::api::AuthPolicy;
use crate::cel;
use crate::object::ObjectName;

/// Compiles a policy of a Gateway or of one of its listeners, for an endpoint at `path`.
///
/// # Errors
/// Names the field and what is not supported there.
pub fn authentication(
    name: &ObjectName,
    policy: &AuthPolicy,
    path: &str,
) -> Result<Authentication, String> {
    let spec: GatewaySpec = read(policy)?;
    for (index, when) in spec.when.iter().enumerate() {
        expect_for(
            path,
            &format!("spec.when[{index}].predicate"),
            &when.predicate,
        )?;
    }
    let rules = &spec.rules.authentication;
    let mut issuers = Vec::<Issuer>::new();
    for (rule, authentication) in rules {
        let at = format!("spec.rules.authentication.{rule}");
        let issuer = issuer(&at, authentication)?;
        if !issuers.contains(&issuer) {
            issuers.push(issuer);
        }
    }
    if issuers.is_empty() {
        let reason = "spec.rules.authentication: a policy of a Gateway must say whose tokens are taken: add a rule with \
                      jwt.issuerUrl";
        return Err(reason.to_owned());
    }
    let response = &spec.rules.response;
    let at = "spec.rules.response.unauthenticated";
    let mut unauthenticated = denial(at, response.unauthenticated.as_ref(), 401)?;
    let says_how = response.unauthenticated.as_ref();
    let is_silent = says_how.is_none_or(|deny| deny.headers.is_empty());
    if is_silent {
        let own = challenges(rules.keys())?;
        unauthenticated.headers.splice(..0, own);
    }
    let at = "spec.rules.response.unauthorized";
    let unauthorized = denial(at, response.unauthorized.as_ref(), 403)?;
    Ok(Authentication {
        policy: name.to_string(),
        issuers,
        denial: unauthenticated,
        tells_metadata: is_silent,
        rules: rules_of(
            pattern::conditions_without_call(&spec.rules.authorization)?,
            unauthorized,
        ),
    })
}

/// Lets nobody in, in the place of a policy of this `namespace/name` that cannot be enforced.
pub fn closed(policy: String) -> Authentication {
    Authentication {
        policy,
        issuers: Vec::new(),
        denial: wordless(403),
        tells_metadata: false,
        rules: Vec::new(),
    }
}

/// An exception can free nothing but documents that are no MCP: taken literally, one for all paths that contain
/// `/.well-known` would free `/mcp?x=/.well-known`, for paths of Envoy have their query.
fn expect_for(path: &str, at: &str, predicate: &str) -> Result<(), String> {
    match cel::holds_at(predicate, path) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!(
            "{at}: it is false for {path}, so anybody could use the MCP endpoint itself; a policy can leave out other \
             paths only, such as /.well-known"
        )),
        Err(error) => Err(format!("{at}, {error}")),
    }
}

/// OpenID Connect Discovery 1.0, section 3: an issuer is a URL without query and fragment.
fn issuer(at: &str, rule: &AuthenticationRule) -> Result<Issuer, String> {
    expect_bearer(at, rule.credentials.as_ref())?;
    let text = &rule.jwt.issuer_url;
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none()
            && (url.username(), url.password()) == ("", None)
    });
    match url {
        Some(_) => Ok(Issuer {
            issuer: text.clone(),
            audiences: Vec::new(),
        }),
        None => Err(format!(
            "{at}.jwt.issuerUrl: {text:?} must be a URL such as https://login.example.com/realms/mcp, without query, \
             fragment and user"
        )),
    }
}

fn expect_bearer(at: &str, credentials: Option<&Credentials>) -> Result<(), String> {
    let header = credentials.and_then(|credentials| credentials.authorization_header.as_ref());
    let prefix = header.map_or("", |header| header.prefix.as_str());
    if matches!(prefix, "" | "Bearer") {
        return Ok(());
    }
    Err(format!(
        "{at}.credentials.authorizationHeader.prefix: tokens come with the prefix Bearer, not {prefix}"
    ))
}

/// What Authorino asks for where the policy has no words of its own. The filter adds where tokens are had.
fn challenges<'a>(realms: impl Iterator<Item = &'a String>) -> Result<Vec<HeaderValue>, String> {
    let challenge = |realm: &String| {
        let is_plain = |c: char| (c == ' ' || c.is_ascii_graphic()) && !matches!(c, '"' | '\\');
        if !realm.chars().all(is_plain) {
            return Err(format!(
                "spec.rules.authentication.{realm}: the name must be of visible ASCII characters without quotes, as it \
                 is told to clients"
            ));
        }
        Ok(HeaderValue {
            name: "www-authenticate".to_owned(),
            value: format!("Bearer realm=\"{realm}\""),
        })
    };
    realms.map(challenge).collect()
}

fn rules_of(conditions: Vec<Condition>, denial: Denial) -> Vec<Rule> {
    if conditions.is_empty() {
        return Vec::new();
    }
    vec![Rule {
        requires: Condition::All(conditions),
        denial,
    }]
}
