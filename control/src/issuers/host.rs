//! Hosts whose names say their addresses.

use std::net::{IpAddr, Ipv4Addr};

/// Services that answer for every such name; they need not be asked.
const SERVICES: [&str; 2] = ["sslip.io", "nip.io"];

/// The address of an IP literal, or of a name such as `keycloak.127-0-0-1.sslip.io`.
pub(super) fn address(host: &str) -> Option<IpAddr> {
    if let Ok(address) = host.parse() {
        return Some(address);
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let mut names = SERVICES.iter();
    let rest = names.find_map(|name| host.strip_suffix(name)?.strip_suffix('.'))?;
    let label = rest.rsplit('.').next()?;
    let address: Ipv4Addr = label.replace('-', ".").parse().ok()?;
    Some(address.into())
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn the_guides_names_say_their_addresses() {
        let cases = [
            ("127.0.0.1", Some("127.0.0.1")),
            ("::1", Some("::1")),
            ("keycloak.127-0-0-1.sslip.io", Some("127.0.0.1")),
            ("10-1-2-3.sslip.io", Some("10.1.2.3")),
            ("a.b.10-1-2-3.NIP.io.", Some("10.1.2.3")),
            ("a.10-1-2.sslip.io", None),
            ("a.10-1-2-300.sslip.io", None),
            ("127-0-0-1.a.sslip.io", None),
            ("127-0-0-1.evilsslip.io", None),
            ("sslip.io", None),
            ("login.example.com", None),
        ];
        for (host, expected) in cases {
            let expected = expected.map(|text| text.parse().unwrap());
            assert_eq!(address(host), expected, "{host}");
        }
    }
}
