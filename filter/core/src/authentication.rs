//! Who may use an endpoint.

use mcp_filter_config::{Denial, Issuer, Policy};

use crate::claims::{Claims, UnreadableClaim};
use crate::headers::Headers;
use crate::policy::{CompiledPolicy, Evidence, Verdict, check_denial, deny};
use crate::table::{CompileError, ensure};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authentication {
    issuers: Vec<Issuer>,
    denial: Denial,
    tells_metadata: bool,
    /// What a caller must satisfy beside that.
    policy: CompiledPolicy,
}

impl Authentication {
    /// Validates and compiles what stands at `at` in the configuration.
    pub(crate) fn compile(
        authentication: &mcp_filter_config::Authentication,
        at: &str,
    ) -> Result<Self, CompileError> {
        ensure(
            !authentication.policy.is_empty(),
            format_args!("{at}.policy"),
            "must be namespace/name",
        )?;
        for (index, issuer) in authentication.issuers.iter().enumerate() {
            check_issuer(issuer, &format!("{at}.issuers[{index}]"))?;
        }
        check_denial(&authentication.denial, &format!("{at}.denial"))?;
        let policy = Policy {
            name: authentication.policy.clone(),
            rules: authentication.rules.clone(),
            set_headers: Vec::new(),
            credential_headers: Vec::new(),
        };
        let policy = CompiledPolicy::compile(&policy, at)?;
        ensure(
            !policy.reads_call(),
            format_args!("{at}.rules"),
            "read what is called, which is not known yet when they are asked",
        )?;
        Ok(Self {
            issuers: authentication.issuers.clone(),
            denial: authentication.denial.clone(),
            tells_metadata: authentication.tells_metadata,
            policy,
        })
    }

    /// The policy that it was made from, with what a caller must satisfy beside having a token.
    pub(crate) fn policy(&self) -> &CompiledPolicy {
        &self.policy
    }

    /// Whether the denial says where the endpoint tells how tokens are had.
    pub(crate) fn tells_metadata(&self) -> bool {
        self.tells_metadata
    }

    /// Whether the caller may use the endpoint. `metadata_url` is for the denial.
    pub(crate) fn judge(
        &self,
        headers: &Headers,
        claims: &Claims,
        metadata_url: Option<&str>,
    ) -> Verdict {
        let of_one = self.issuers.iter().any(|issuer| has_issued(issuer, claims));
        if of_one && !has_two_tokens(headers) {
            self.policy.evaluate(&evidence(headers, claims))
        } else {
            self.denial(metadata_url)
        }
    }

    /// The scopes that its policy wants of a token, for a request with these headers.
    pub(crate) fn wanted_scopes(&self, headers: &Headers) -> Option<Vec<&str>> {
        self.policy.wanted_scopes(&evidence(headers, &Claims::NONE))
    }

    /// To a caller without a token that is taken here. RFC 9728, section 5.1: each challenge can name `metadata_url`.
    pub(crate) fn denial(&self, metadata_url: Option<&str>) -> Verdict {
        let mut verdict = deny(&self.denial);
        if let (Verdict::Deny(response), Some(url)) = (&mut verdict, metadata_url) {
            let headers = response.headers.iter_mut();
            for (_, challenge) in headers.filter(|(name, _)| name == "www-authenticate") {
                challenge.extend_from_slice(format!(", resource_metadata=\"{url}\"").as_bytes());
            }
        }
        verdict
    }
}

/// Of what is asked for, nothing is known yet.
fn evidence<'a>(headers: &'a Headers, claims: &'a Claims) -> Evidence<'a> {
    Evidence {
        headers,
        claims,
        call: None,
    }
}

fn check_issuer(issuer: &Issuer, at: &str) -> Result<(), CompileError> {
    ensure(
        !issuer.issuer.is_empty(),
        format_args!("{at}.issuer"),
        "must be the claim iss of its tokens",
    )?;
    let mut audiences = issuer.audiences.iter().enumerate();
    audiences.try_for_each(|(index, audience)| {
        ensure(
            !audience.is_empty(),
            format_args!("{at}.audiences[{index}]"),
            "must be one that tokens have in the claim aud",
        )
    })
}

/// RFC 7519, sections 4.1.1 and 4.1.3: `aud` is a text or a list of them. Whether `exp` has passed is for Envoy's
/// `jwt_authn` to say, which takes a token without it, or with zero, for one that is in force for ever.
fn has_issued(issuer: &Issuer, claims: &Claims) -> bool {
    let is = |held: Result<bool, UnreadableClaim>| held.unwrap_or_default();
    let names = |audience: &String| {
        is(claims.is_text(&["aud"], audience)) || is(claims.has_item(&["aud"], audience))
    };
    claims.expires()
        && is(claims.is_text(&["iss"], &issuer.issuer))
        && (issuer.audiences.is_empty() || issuer.audiences.iter().any(names))
}

/// Of several tokens Envoy keeps the claims of one; whoever takes another takes one that nobody has looked at. It makes
/// one value of two headers, with a comma between, which no bearer token has (RFC 6750, section 2.1).
fn has_two_tokens(headers: &Headers) -> bool {
    let mut values = headers.all("authorization");
    let first = values.next().unwrap_or_default();
    let is_bearer = || {
        let mut words = first.split(|byte| matches!(byte, b' ' | b','));
        words.any(|word| word.eq_ignore_ascii_case(b"bearer"))
    };
    values.next().is_some() || first.contains(&b',') && is_bearer()
}
