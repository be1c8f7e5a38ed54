//! Logins of registries, as container engines keep them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::Reference;
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

    /// That of an image, by its registry, `HOST` or `HOST:PORT`, and the longest begin of its name, as a kubelet does.
    pub(super) fn of(&self, image: &Reference) -> RegistryAuth {
        // Docker's own has two names.
        let registry = [image.registry(), image.resolve_registry()];
        let fits = |key: &str| {
            let (host, path) = place(key);
            registry.contains(&host) && is_within(image.repository(), path)
        };
        let logins = self.auths.iter().filter(|(key, _)| fits(key));
        let login = logins.max_by_key(|(key, _)| place(key).1.len());
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

/// Host and path of a key: a host, an address such as `https://HOST/v1/`, which means the host alone, or `HOST/NAME`.
fn place(key: &str) -> (&str, &str) {
    let named = key.split_once("://").map_or(key, |(_, named)| named);
    let (host, path) = named.split_once('/').unwrap_or((named, ""));
    let path = path.trim_end_matches('/');
    (
        host,
        if matches!(path, "v1" | "v2") {
            ""
        } else {
            path
        },
    )
}

/// Whether an image of this name is one of those of a path.
fn is_within(name: &str, path: &str) -> bool {
    let rest = name.strip_prefix(path);
    rest.is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str) -> Reference {
        name.parse().unwrap()
    }

    fn of(text: &str) -> RegistryAuth {
        let logins: Logins = serde_json::from_str(text).unwrap();
        logins.of(&image("registry.example.com:5000/team/filter"))
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
        let login = logins.of(&image("docker.io/team/filter"));
        assert_ne!(login, RegistryAuth::Anonymous);
    }

    #[test]
    fn of_several_logins_the_one_with_the_longest_path_of_the_image_is_taken() {
        let logins = r#"{"auths": {
            "r.example.com": {"username": "all", "password": "p"},
            "r.example.com/team": {"username": "team", "password": "p"},
            "https://r.example.com/team/inner/": {"username": "inner", "password": "p"},
            "other.example.com/team": {"username": "other", "password": "p"}
        }}"#;
        let logins: Logins = serde_json::from_str(logins).unwrap();
        for (name, user) in [
            ("r.example.com/filter", "all"),
            ("r.example.com/teams/filter", "all"),
            ("r.example.com/team/filter", "team"),
            ("r.example.com/team/inner/filter", "inner"),
            ("other.example.com/team/filter", "other"),
        ] {
            let login = RegistryAuth::Basic(user.to_owned(), "p".to_owned());
            assert_eq!(logins.of(&image(name)), login, "{name}");
        }
        let none = logins.of(&image("other.example.com/filter"));
        assert_eq!(none, RegistryAuth::Anonymous, "it is another team's");
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
