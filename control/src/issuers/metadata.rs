//! What an issuer says of itself.

use reqwest::Url;
use serde::Deserialize;

/// Where an issuer's metadata are: as OpenID Connect has them (Discovery 1.0, section 4.1), and as OAuth does (RFC 8414,
/// section 3.1).
pub(super) fn places(issuer: &str) -> Vec<Url> {
    let Ok(url) = Url::parse(issuer) else {
        return Vec::new();
    };
    let path = url.path().trim_end_matches('/').to_owned();
    let at = |path: String| {
        let mut url = url.clone();
        url.set_path(&path);
        url
    };
    vec![
        at(format!("{path}/.well-known/openid-configuration")),
        at(format!("/.well-known/oauth-authorization-server{path}")),
    ]
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: Option<String>,
}

/// Where the issuer's keys are.
///
/// # Errors
/// What is wrong with the metadata, to follow the place where they are.
pub(super) fn keys(issuer: &str, metadata: &[u8]) -> Result<Url, String> {
    let metadata: Metadata = serde_json::from_slice(metadata)
        .map_err(|error| format!("has no metadata of an issuer: {error}"))?;
    // Whoever could speak for another would have his tokens taken (Discovery 1.0, section 4.3; RFC 8414, section 3.3).
    if metadata.issuer != issuer {
        return Err(format!(
            "has the metadata of issuer {}: write issuerUrl exactly so",
            metadata.issuer
        ));
    }
    let Some(text) = metadata.jwks_uri else {
        return Err("does not say where the keys are: it has no jwks_uri".to_owned());
    };
    let is_plain = issuer.starts_with("http://");
    match Url::parse(&text) {
        Ok(url) if url.scheme() == "https" || is_plain && url.scheme() == "http" => Ok(url),
        _ => Err(format!(
            "has jwks_uri {text}, which must be a URL with {}",
            if is_plain { "http or https" } else { "https" }
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_are_looked_for_where_either_standard_has_them() {
        let texts =
            |issuer: &str| -> Vec<_> { places(issuer).iter().map(Url::to_string).collect() };
        assert_eq!(
            texts("https://a.example:8002/realms/mcp"),
            [
                "https://a.example:8002/realms/mcp/.well-known/openid-configuration",
                "https://a.example:8002/.well-known/oauth-authorization-server/realms/mcp",
            ]
        );
        let of_root = [
            "https://a.example/.well-known/openid-configuration",
            "https://a.example/.well-known/oauth-authorization-server",
        ];
        assert_eq!(texts("https://a.example"), of_root);
        assert_eq!(texts("https://a.example/"), of_root);
    }

    fn read(issuer: &str, keys_at: &str) -> Result<String, String> {
        let metadata = serde_json::json!({ "issuer": issuer, "jwks_uri": keys_at, "more": 1 });
        keys(issuer, metadata.to_string().as_bytes()).map(|url| url.to_string())
    }

    #[test]
    fn the_issuer_says_where_its_keys_are() {
        let at = "https://keys.example/a";
        assert_eq!(read("https://a.example", at).as_deref(), Ok(at));
        let at = "http://keys.example/a";
        assert_eq!(read("http://a.example", at).as_deref(), Ok(at));
    }

    #[test]
    fn metadata_that_cannot_be_trusted_are_refused() {
        let other = r#"{"issuer": "https://a.example/", "jwks_uri": "https://a.example/keys"}"#;
        let refused = keys("https://a.example", other.as_bytes()).unwrap_err();
        assert_eq!(
            refused,
            "has the metadata of issuer https://a.example/: write issuerUrl exactly so"
        );
        let refused = read("https://a.example", "http://a.example/keys").unwrap_err();
        assert!(refused.ends_with("must be a URL with https"), "{refused}");
        assert!(read("https://a.example", "file:///keys").is_err());
        assert!(read("https://a.example", "keys").is_err());
        for text in ["", "[]", "{}", r#"{"issuer": "https://a.example"}"#] {
            assert!(
                keys("https://a.example", text.as_bytes()).is_err(),
                "{text}"
            );
        }
    }
}
