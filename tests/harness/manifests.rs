//! The manifests of a gateway and of the servers behind it, as a user would write them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;

use crate::authority::Authority;

/// What stands once, whatever the servers.
const PLATFORM: &str = "\
apiVersion: v1
kind: Namespace
metadata:
  name: gateway-system
---
apiVersion: v1
kind: Namespace
metadata:
  name: mcp-test
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  name: istio
spec:
  controllerName: istio.io/gateway-controller
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: mcp-gateway
  namespace: gateway-system
spec:
  gatewayClassName: istio
  listeners:
  - name: mcp
    hostname: mcp.127-0-0-1.sslip.io
    port: 8080
    protocol: HTTP
    allowedRoutes:
      namespaces:
        from: All
  - name: mcp-local
    hostname: '*.mcp.local'
    port: 8080
    protocol: HTTP
    allowedRoutes:
      namespaces:
        from: All
---
apiVersion: mcp.kuadrant.io/v1alpha1
kind: MCPGatewayExtension
metadata:
  name: mcp-gateway
  namespace: gateway-system
spec:
  targetRef:
    group: gateway.networking.k8s.io
    kind: Gateway
    name: mcp-gateway
    sectionName: mcp
";

/// The Secret with the authorities of [`Manifests::trusting`].
const AUTHORITIES: &str = "authorities";

/// What makes a listener an endpoint.
const EXTENSION: &str = "kind: MCPGatewayExtension\n";

/// The guide's policy of the gateway.
const POLICY: &str = include_str!("../../examples/github/part-2/step-8-gateway-policy.yaml");

/// Whose tokens it takes.
const ISSUER_OF_THE_GUIDE: &str = "https://keycloak.127-0-0-1.sslip.io:8002/realms/mcp";

/// The guide's policy of the gateway, for the tokens of this issuer.
pub fn gateway_policy(issuer: &str) -> String {
    assert!(POLICY.contains(ISSUER_OF_THE_GUIDE), "{POLICY}");
    POLICY.replace(ISSUER_OF_THE_GUIDE, issuer)
}

/// A folder of manifests to be.
#[derive(Clone, Debug)]
pub struct Manifests {
    files: BTreeMap<String, String>,
}

/// What stands once for a Gateway `gateway-system/<gateway>` that control reaches at `address`, under the public host
/// `localhost`.
pub fn platform(gateway: &str, address: SocketAddr) -> String {
    let hosts = format!("sectionName: mcp\n  publicHost: localhost\n  privateHost: {address}\n");
    PLATFORM
        .replace("mcp-gateway", gateway)
        .replace("sectionName: mcp\n", &hosts)
}

impl Manifests {
    /// A gateway without servers.
    pub fn gateway() -> Self {
        Self {
            files: BTreeMap::from([("platform.yaml".to_owned(), PLATFORM.to_owned())]),
        }
    }

    /// These files alone.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter();
        Self {
            files: files
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .collect(),
        }
    }

    /// A gateway that trusts issuers of tokens whose certificates are of this authority.
    pub fn trusting(authority: &Authority) -> Self {
        Self::gateway().trust(authority)
    }

    /// The extension trusts issuers of tokens whose certificates are of this authority.
    #[must_use]
    pub fn trust(self, authority: &Authority) -> Self {
        self.extend(&format!("  caCertBundleRef:\n    name: {AUTHORITIES}\n"))
            .file("authorities.yaml", &secret_of(authority))
    }

    /// The extension has this, in YAML, for `oauthProtectedResource`.
    #[must_use]
    pub fn protected_resource(self, resource: &str) -> Self {
        self.extend(&format!("  oauthProtectedResource: {resource}\n"))
    }

    /// The extension has these lines more.
    fn extend(mut self, lines: &str) -> Self {
        let target = "sectionName: mcp\n";
        let extension = self
            .files
            .values_mut()
            .find(|text| text.contains(EXTENSION));
        let extension = extension.expect("an extension");
        *extension = extension.replace(target, &format!("{target}{lines}"));
        self
    }

    /// With a server, in a file of its own: `<name>.yaml`.
    #[must_use]
    pub fn server(self, server: &Server) -> Self {
        self.file(&format!("{}.yaml", server.name), &server.yaml())
    }

    /// With any file.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.insert(name.to_owned(), text.to_owned());
        self
    }

    /// File names and texts.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

fn secret_of(authority: &Authority) -> String {
    let mut secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {AUTHORITIES}\n  namespace: gateway-system\n\
         stringData:\n  ca.crt: |\n"
    );
    let authority = fs::read_to_string(authority.file()).expect("a certificate");
    for line in authority.lines() {
        let _ = writeln!(secret, "    {line}");
    }
    secret
}

/// One server: ServiceEntry, HTTPRoute, registration, and what belongs to them.
#[derive(Clone, Debug)]
pub struct Server {
    name: String,
    address: SocketAddr,
    prefix: String,
    authority: Option<String>,
    credential: Option<String>,
    swapped_header: Option<String>,
    first_byte: Option<String>,
    idle: Option<String>,
    protocol: &'static str,
    gateways: Vec<String>,
}

impl Server {
    /// A server at `address`, path `/mcp`. Its prefix is `<name>_`.
    pub fn new(name: &str, address: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            address,
            prefix: format!("{}_", name.replace('-', "_")),
            authority: None,
            credential: None,
            swapped_header: None,
            first_byte: None,
            idle: None,
            protocol: "HTTP",
            gateways: vec!["mcp-gateway".to_owned()],
        }
    }

    /// Behind these Gateways.
    #[must_use]
    pub fn gateways(mut self, gateways: &[&str]) -> Self {
        self.gateways = gateways.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// With another prefix; none where empty.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Known to itself by this host; by that of its ServiceEntry otherwise.
    #[must_use]
    pub fn authority(mut self, host: &str) -> Self {
        self.authority = Some(host.to_owned());
        self
    }

    /// With a Secret whose value discovery sends as `Authorization`.
    #[must_use]
    pub fn credential(mut self, authorization: &str) -> Self {
        self.credential = Some(authorization.to_owned());
        self
    }

    /// With the guide's policy: this header becomes `Authorization: Bearer ...`, and is required.
    #[must_use]
    pub fn swapping(mut self, header: &str) -> Self {
        self.swapped_header = Some(header.to_owned());
        self
    }

    /// Reached over HTTP/2.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.protocol = "HTTP2";
        self
    }

    /// With bounds on silence, such as `2s`, before and after the first byte.
    #[must_use]
    pub fn timeouts(mut self, first_byte: &str, idle: &str) -> Self {
        self.first_byte = Some(first_byte.to_owned());
        self.idle = Some(idle.to_owned());
        self
    }

    /// `namespace/name` of the registration.
    pub fn registration(&self) -> String {
        format!("mcp-test/{}", self.name)
    }

    /// All its documents.
    pub fn yaml(&self) -> String {
        let mut yaml = self.network();
        if let Some(credential) = &self.credential {
            let _ = write!(yaml, "---\n{}", self.secret(credential));
        }
        let _ = write!(yaml, "---\n{}", self.registration_yaml());
        if let Some(header) = &self.swapped_header {
            let _ = write!(yaml, "---\n{}", self.policy(header));
        }
        yaml
    }

    fn network(&self) -> String {
        let Self {
            name,
            address,
            protocol,
            ..
        } = self;
        let (ip, port) = (address.ip(), address.port());
        let host = format!("{name}.example.com");
        let authority = self.authority.as_ref().unwrap_or(&host);
        let parents: String = self
            .gateways
            .iter()
            .map(|gateway| parent(gateway))
            .collect();
        format!(
            "\
apiVersion: networking.istio.io/v1beta1
kind: ServiceEntry
metadata:
  name: {name}
  namespace: mcp-test
spec:
  hosts:
  - {host}
  ports:
  - number: 80
    name: http
    protocol: {protocol}
  location: MESH_EXTERNAL
  resolution: STATIC
  endpoints:
  - address: {ip}
    ports:
      http: {port}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {name}
  namespace: mcp-test
spec:
  parentRefs:
{parents}  hostnames:
  - {name}.mcp.local
  rules:
  - matches:
    - path:
        type: PathPrefix
        value: /mcp
    filters:
    - type: URLRewrite
      urlRewrite:
        hostname: {authority}
    backendRefs:
    - name: {host}
      kind: Hostname
      group: networking.istio.io
      port: 80
"
        )
    }

    fn secret(&self, credential: &str) -> String {
        let name = &self.name;
        format!(
            "\
apiVersion: v1
kind: Secret
metadata:
  name: {name}-token
  namespace: mcp-test
  labels:
    mcp.kuadrant.io/secret: \"true\"
type: Opaque
stringData:
  token: \"{credential}\"
"
        )
    }

    fn registration_yaml(&self) -> String {
        let name = &self.name;
        let mut yaml = format!(
            "\
apiVersion: mcp.kuadrant.io/v1alpha1
kind: MCPServerRegistration
metadata:
  name: {name}
  namespace: mcp-test
spec:
  targetRef:
    group: gateway.networking.k8s.io
    kind: HTTPRoute
    name: {name}
"
        );
        if !self.prefix.is_empty() {
            let _ = writeln!(yaml, "  prefix: {}", self.prefix);
        }
        if self.credential.is_some() {
            let _ = write!(
                yaml,
                "  credentialRef:\n    name: {name}-token\n    key: token\n"
            );
        }
        if let (Some(first_byte), Some(idle)) = (&self.first_byte, &self.idle) {
            let _ = write!(
                yaml,
                "  timeouts:\n    firstByte: {first_byte}\n    idle: {idle}\n"
            );
        }
        yaml
    }

    fn policy(&self, header: &str) -> String {
        let name = &self.name;
        format!(
            r#"apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata:
  name: {name}-token-replacement
  namespace: mcp-test
spec:
  targetRef:
    group: gateway.networking.k8s.io
    kind: HTTPRoute
    name: {name}
  rules:
    authorization:
      "has-token":
        patternMatching:
          patterns:
          - predicate: |
              request.headers.exists(h, h == "{header}") && request.headers["{header}"] != ""
    response:
      unauthorized:
        code: 400
        body:
          value: |
            {{
              "error": "Bad Request",
              "message": "Missing required {header} header"
            }}
      success:
        headers:
          "authorization":
            plain:
              expression: |
                "Bearer " + request.headers["{header}"]
"#
        )
    }
}

/// A reference to a Gateway.
fn parent(gateway: &str) -> String {
    format!(
        "  - group: gateway.networking.k8s.io
    kind: Gateway
    name: {gateway}
    namespace: gateway-system
"
    )
}

/// The body of the answer that the policy of [`Server::swapping`] gives, as its author wrote it.
pub fn policy_denial(header: &str) -> String {
    format!(
        "{{\n  \"error\": \"Bad Request\",\n  \"message\": \"Missing required {header} header\"\n}}\n"
    )
}
