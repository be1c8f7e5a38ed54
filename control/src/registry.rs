//! What the registry of the filter's image says of it.

mod logins;
mod token;
mod understood;

pub use understood::{REQUIREMENTS, Understood, VERSIONS};

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::{Client, Reference};
use tokio::time::timeout;

use crate::cause::root_cause;
use crate::image::Image;
use crate::printable::printable;
use crate::tls::{trusting_client, use_ring};
use logins::Logins;
use token::Way;

/// How long it may take. What is read is small.
const PATIENCE: Duration = Duration::from_secs(10);

/// Characters of a registry's own words that are told.
const LONGEST_QUOTE: usize = 200;

/// Who asks.
const USER_AGENT: &str = concat!("mcp-control/", env!("CARGO_PKG_VERSION"));

/// How a registry is reached.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Docker's `config.json`, read for each image.
    pub logins: Option<PathBuf>,
    /// More certificate authorities, in PEM, read for each image.
    pub authorities: Option<PathBuf>,
    /// `HOST:PORT` of those without TLS.
    pub without_tls: Vec<String>,
}

/// Why an image is not known.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A file of the command line.
    #[error("{file} cannot be read: {cause}")]
    File {
        /// Which.
        file: String,
        /// Why.
        cause: io::Error,
    },
    /// There is no such image.
    #[error("the registry has no such image: push it, or name the digest that was pushed")]
    NotFound,
    /// The registry wants a login.
    #[error("the registry does not let control read it: give control a login (--registry-login)")]
    Unauthorized,
    /// Whoever grants tokens for the registry, and why it grants none.
    #[error("the registry's token service {0} gives control no token: {1}. See that it works")]
    TokenService(String, String),
    /// Whoever grants tokens for the registry would get the login without TLS.
    #[error(
        "the registry wants the login at {0}, in clear, so control gives it none: have the registry name a token \
         service with TLS"
    )]
    InClear(String),
    /// Everything else on the way to the registry, and of what it says.
    #[error(
        "the registry cannot be asked: {0}. See that control reaches it, and trusts it (--registry-ca, --registry-http)"
    )]
    Registry(String),
    /// Not in time.
    #[error("the registry has not answered within {} s", PATIENCE.as_secs())]
    TimedOut,
    /// The image is somebody else's.
    #[error(
        "it is no image of this filter: its manifest lacks the annotation {VERSIONS}, which `scripts/image` writes"
    )]
    NotOurs,
}

impl Unreadable {
    /// The begin of what the registry says, which may be of any length.
    fn said(words: &dyn std::fmt::Display) -> Self {
        Self::Registry(
            printable(&words.to_string())
                .chars()
                .take(LONGEST_QUOTE)
                .collect(),
        )
    }

    /// Whether it stays so, whatever becomes of registry and network.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::NotOurs)
    }
}

impl Registry {
    /// Which configurations the filter of an image can read, by its manifest's annotations.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub async fn understood(&self, image: &Image) -> Result<Understood, Unreadable> {
        let asked = timeout(PATIENCE, self.ask(image));
        asked.await.map_err(|_| Unreadable::TimedOut)?
    }

    async fn ask(&self, image: &Image) -> Result<Understood, Unreadable> {
        let client = Client::try_from(self.config()?)?;
        let reference: Reference = image
            .reference()
            .parse()
            .map_err(|error| Unreadable::Registry(format!("{error}")))?;
        let logins = match &self.logins {
            Some(file) => Logins::read(file).map_err(|cause| unreadable(file, cause))?,
            None => Logins::default(),
        };
        let login = logins.of(&reference);
        let access = self.way(&reference)?.access(&reference, login).await?;
        let (manifest, _) = client.pull_image_manifest(&reference, &access).await?;
        let annotations = manifest.annotations.unwrap_or_default();
        Understood::of_annotations(&annotations).ok_or(Unreadable::NotOurs)
    }

    fn way(&self, image: &Reference) -> Result<Way, Unreadable> {
        let authorities = self.authorities()?;
        let authorities = authorities.iter().map(reqwest::Certificate::try_from);
        let authorities: Vec<_> = authorities.collect::<Result<_, _>>()?;
        let mut plain = self.without_tls.iter();
        let is_plain = plain.any(|plain| plain == image.resolve_registry());
        let client = trusting_client(authorities).connect_timeout(PATIENCE);
        // A registry with TLS sends nobody to where there is none.
        let http = client.user_agent(USER_AGENT).https_only(!is_plain).build();
        Ok(Way {
            http: http.map_err(|error| Unreadable::Registry(root_cause(&error)))?,
            is_plain,
        })
    }

    fn config(&self) -> Result<ClientConfig, Unreadable> {
        use_ring();
        Ok(ClientConfig {
            protocol: ClientProtocol::HttpsExcept(self.without_tls.clone()),
            tls_certs_only: self.authorities()?,
            connect_timeout: Some(PATIENCE),
            user_agent: USER_AGENT,
            ..ClientConfig::default()
        })
    }

    /// Those of Mozilla's list, and those of the command line.
    fn authorities(&self) -> Result<Vec<Certificate>, Unreadable> {
        let known = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        let known = known.map(|certificate| Certificate {
            encoding: CertificateEncoding::Der,
            data: certificate.to_vec(),
        });
        let mut authorities: Vec<_> = known.collect();
        let Some(file) = &self.authorities else {
            return Ok(authorities);
        };
        match fs::read(file) {
            Ok(data) => authorities.push(Certificate {
                encoding: CertificateEncoding::Pem,
                data,
            }),
            // As with logins: few registries need any.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(file, error)),
        }
        Ok(authorities)
    }
}

impl From<OciDistributionError> for Unreadable {
    fn from(error: OciDistributionError) -> Self {
        use OciDistributionError as E;
        match error {
            E::UnauthorizedError { .. } | E::AuthenticationFailure(_) => Self::Unauthorized,
            E::ImageManifestNotFoundError(_) => Self::NotFound,
            E::ServerError { code: 404, .. } => Self::NotFound,
            E::RegistryError { envelope, .. } => match envelope.errors.first() {
                Some(first) if first.code == OciErrorCode::ManifestUnknown => Self::NotFound,
                Some(first) if first.code == OciErrorCode::NameUnknown => Self::NotFound,
                Some(first) if first.code == OciErrorCode::Unauthorized => Self::Unauthorized,
                Some(first) if first.code == OciErrorCode::Denied => Self::Unauthorized,
                _ => Self::said(&envelope),
            },
            E::ServerError { code, .. } => Self::Registry(format!("it answers {code}")),
            E::RequestError(error) => Self::Registry(root_cause(&error)),
            other => Self::said(&other),
        }
    }
}

fn unreadable(file: &Path, cause: io::Error) -> Unreadable {
    let file = file.display().to_string();
    Unreadable::File { file, cause }
}
