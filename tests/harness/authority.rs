//! A certificate authority, and what it vouches for.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::gateway::temporary_folder;

/// See the module.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Authority {
    /// A new one, which nobody trusts yet.
    pub fn new() -> Self {
        let mut parameters = CertificateParams::default();
        let name = &mut parameters.distinguished_name;
        name.push(DnType::CommonName, "Authority of the tests");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(parameters, key).expect("a certificate");
        let folder = temporary_folder("authority");
        fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("a file");
        Self { issuer, folder }
    }

    /// The file with its certificate.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server of this host, which may be on this machine.
    pub fn server(&self, host: &str) -> Identity {
        let host = SanType::DnsName(host.try_into().expect("a name"));
        let loopback = SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST));
        self.sign(vec![host, loopback])
    }

    /// A workload of the mesh `cluster.local`, by its service account (SPIFFE).
    pub fn workload(&self, namespace: &str, account: &str) -> Identity {
        let id = format!("spiffe://cluster.local/ns/{namespace}/sa/{account}");
        let id = SanType::URI(id.as_str().try_into().expect("a URI"));
        self.sign(vec![id])
    }

    /// For either side of a connection: Istio expects that of workloads.
    fn sign(&self, names: Vec<SanType>) -> Identity {
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names = names;
        parameters.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().expect("a key");
        let signed = parameters.signed_by(&key, &self.issuer);
        Identity {
            certificate: signed.expect("a certificate").pem(),
            key: key.serialize_pem(),
        }
    }

    /// Whether a server shows a certificate for this name that this authority vouches for.
    pub async fn knows(&self, server: SocketAddr, name: &str) -> bool {
        let connector = TlsConnector::from(self.client());
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        match TcpStream::connect(server).await {
            Ok(stream) => connector.connect(name, stream).await.is_ok(),
            Err(_) => false,
        }
    }

    /// What a client of TLS needs who trusts this authority alone.
    fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.issuer.der().clone())
            .expect("a root certificate");
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    /// Writes both into this folder. Gives the files of the certificate and of the key.
    pub fn write(&self, folder: &Path) -> [PathBuf; 2] {
        [("tls.crt", &self.certificate), ("tls.key", &self.key)].map(|(name, text)| {
            let path = folder.join(name);
            fs::write(&path, text).expect("a file");
            path
        })
    }

    /// What a server of TLS needs that speaks these protocols, the best first (ALPN).
    pub(crate) fn server(&self, protocols: &[&str]) -> Arc<ServerConfig> {
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes());
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.expect("a certificate")],
                key.expect("a key"),
            );
        let mut config = config.expect("a server's certificate");
        let protocols = protocols
            .iter()
            .map(|protocol| protocol.as_bytes().to_vec());
        config.alpn_protocols = protocols.collect();
        Arc::new(config)
    }
}
