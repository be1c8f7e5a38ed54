//! What encrypts.

use reqwest::{Certificate, ClientBuilder};
use rustls::crypto::ring;

/// Has every HTTP client of this program use ring. None can be made before, whether it encrypts or not.
pub fn use_ring() {
    // Another call was faster.
    let _ = ring::default_provider().install_default();
}

/// For an HTTP client that trusts these authorities alone.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever asks here has named what encrypts"
)]
pub(crate) fn trusting_client(authorities: Vec<Certificate>) -> ClientBuilder {
    use_ring();
    reqwest::Client::builder().tls_certs_only(authorities)
}

/// The authorities of Mozilla's list, for where no system keeps any.
pub(crate) fn well_known_authorities() -> Result<Vec<Certificate>, reqwest::Error> {
    let known = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    known
        .map(|certificate| Certificate::from_der(certificate))
        .collect()
}

/// For an HTTP client that never encrypts, and so needs no authorities.
#[expect(
    clippy::disallowed_methods,
    reason = "everybody else is to take this one"
)]
pub(crate) fn plain_client() -> ClientBuilder {
    use_ring();
    reqwest::Client::builder().tls_certs_only([])
}
