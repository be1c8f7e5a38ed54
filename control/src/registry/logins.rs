//! Logins of registries, as container engines keep them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;

/// The form of Docker's `config.json`, which a Secret of type `kubernetes.io/dockerconfigjson` holds, too.
#[derive(Default, Deserialize)]
pub(super) struct Logins {
    #[serde(default)]
    auths: BTreeMap<String, Login>,
}

#[derive(Default, Deserialize)]
struct Login {
    /// `USER:PASSWORD` in base64; goes before the other two.
    #[serde(default)]
    auth: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

impl Logins {
    /// Those of a file. None where there is no file: a registry may want no login.
    pub(super) fn read(file: &Path) -> io::Result<Self> {
        match fs::read(file) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// That of a registry, by one of its names: `HOST` or `HOST:PORT`. Docker's own has two.
    pub(super) fn of(&self, registry: &[&str]) -> RegistryAuth {
        let mut logins = self.auths.iter();
        let login = logins.find(|(key, _)| registry.contains(&host(key)));
        let pair = login.and_then(|(_, login)| login.pair());
        pair.map_or(RegistryAuth::Anonymous, |(user, password)| {
            RegistryAuth::Basic(user, password)
        })
    }
}

impl Login {
    fn pair(&self) -> Option<(String, String)> {
        if self.auth.is_empty() {
            let pair = (self.username.clone(), self.password.clone());
            return (!self.username.is_empty()).then_some(pair);
        }
        let text = String::from_utf8(STANDARD.decode(&self.auth).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }
}

/// Keys are hosts, or addresses such as `https://HOST/v1/`.
fn host(key: &str) -> &str {
    let named = key.split_once("://").map_or(key, |(_, named)| named);
    named.split('/').next().unwrap_or(named)
}

#[cfg(test)]
mod tests {
    use oci_client::Reference;

    use super::*;

    fn of(text: &str) -> RegistryAuth {
        let logins: Logins = serde_json::from_str(text).unwrap();
        logins.of(&["registry.example.com:5000"])
    }

    #[test]
    fn a_login_is_found_by_the_host_of_its_registry() {
        let login = RegistryAuth::Basic("reader".to_owned(), "a:b".to_owned());
        for text in [
            // "reader:a:b"
            r#"{"auths": {"registry.example.com:5000": {"auth": "cmVhZGVyOmE6Yg=="}}}"#,
            r#"{"auths": {"https://registry.example.com:5000/v1/": {"auth": "cmVhZGVyOmE6Yg=="}}}"#,
            r#"{"auths": {"registry.example.com:5000": {"username": "reader", "password": "a:b"}}}"#,
        ] {
            assert_eq!(of(text), login, "{text}");
        }
    }

    #[test]
    fn dockers_own_registry_has_two_names() {
        let logins = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "cmVhZGVyOmE6Yg=="}}}"#;
        let logins: Logins = serde_json::from_str(logins).unwrap();
        let image: Reference = "docker.io/team/filter".parse().unwrap();
        let login = logins.of(&[image.registry(), image.resolve_registry()]);
        assert_ne!(login, RegistryAuth::Anonymous);
    }

    #[test]
    fn without_one_it_is_asked_as_anybody() {
        for text in [
            "{}",
            r#"{"auths": {"registry.example.com": {"auth": "cmVhZGVyOmE6Yg=="}}}"#,
            r#"{"auths": {"registry.example.com:5000": {}}}"#,
            r#"{"auths": {"registry.example.com:5000": {"auth": "no base64"}}}"#,
        ] {
            assert_eq!(of(text), RegistryAuth::Anonymous, "{text}");
        }
    }
}
