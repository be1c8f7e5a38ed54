use super::*;
use crate::object::ObjectName;

const URL: &str = "https://keycloak.127-0-0-1.sslip.io:8002/realms/mcp";
const KEYS: &str = "https://keycloak.127-0-0-1.sslip.io:8002/realms/mcp/certs";

fn issuer(authorities: Result<Option<String>, Fault>) -> TokenIssuer {
    TokenIssuer {
        url: URL.to_owned(),
        authorities,
        policies: vec![ObjectName::parse("infra/oidc").unwrap()],
    }
}

fn counting(authorities: Result<Option<String>, Fault>) -> Issuers {
    let mut issuers = Issuers::default();
    issuers.count(&[issuer(authorities)]);
    issuers
}

fn said(keys: Result<&str, &str>) -> Event {
    Event {
        issuer: URL.to_owned(),
        keys: keys
            .map(|url| Url::parse(url).unwrap())
            .map_err(str::to_owned),
    }
}

fn network(issuers: &Issuers) -> Network {
    let mut network = Network::default();
    issuers.extend(&mut network);
    network
}

fn told(issuers: &Issuers) -> Vec<String> {
    let notices = issuers.notices();
    let told = notices.iter().map(|notice| {
        assert!(notice.accepted);
        format!("{} {}: {}", notice.kind, notice.name, notice.fault)
    });
    told.collect()
}

#[test]
fn an_issuer_that_has_said_where_its_keys_are_is_in_the_network() {
    let mut issuers = counting(Ok(Some("PEM".to_owned())));
    assert_eq!(network(&issuers), Network::default());
    assert_eq!(issuers.unknown().collect::<Vec<_>>(), [URL]);
    assert!(issuers.learn(said(Ok(KEYS))));
    assert!(!issuers.learn(said(Ok(KEYS))), "nothing is new");
    assert_eq!(issuers.unknown().count(), 0);
    let network = network(&issuers);
    let expected = Issuer {
        url: URL.to_owned(),
        keys: KEYS.to_owned(),
        cluster: format!("issuer|{URL}"),
    };
    assert_eq!(network.issuers, [expected]);
    let [cluster] = &network.clusters[..] else {
        panic!("{network:?}")
    };
    assert_eq!(cluster.name, format!("issuer|{URL}"));
    let address = Address {
        host: "127.0.0.1".to_owned(),
        port: 8002,
    };
    assert_eq!(cluster.addresses, [address]);
    assert!(!cluster.dns);
    let tls = cluster.tls.as_ref().unwrap();
    assert_eq!(tls.sni, "keycloak.127-0-0-1.sslip.io");
    assert_eq!(tls.ca_pem.as_deref(), Some("PEM"));
    assert!(told(&issuers).is_empty());
}

#[test]
fn keys_may_be_elsewhere_and_without_tls() {
    let mut issuers = counting(Ok(None));
    let mut of = |keys| {
        issuers.learn(said(Ok(keys)));
        network(&issuers).clusters.remove(0)
    };
    let cluster = of("http://keys.example/a");
    assert!(cluster.dns && cluster.tls.is_none());
    assert_eq!(
        (
            cluster.addresses[0].host.as_str(),
            cluster.addresses[0].port
        ),
        ("keys.example", 80)
    );
    let cluster = of("https://[::1]/a");
    assert!(!cluster.dns);
    assert_eq!(
        (
            cluster.addresses[0].host.as_str(),
            cluster.addresses[0].port
        ),
        ("::1", 443)
    );
}

#[test]
fn an_issuer_that_cannot_be_reached_is_told_to_the_authors_of_its_policies() {
    let mut issuers = counting(Ok(None));
    assert!(issuers.learn(said(Err("x answers 502"))));
    let unreachable =
        format!("AuthPolicy infra/oidc: IssuerUnreachable: issuer {URL}: x answers 502; meanwhile");
    assert_eq!(
        told(&issuers),
        [format!("{unreachable} nobody gets in with its tokens")]
    );
    assert_eq!(issuers.unknown().count(), 0);
    assert_eq!(network(&issuers), Network::default());
    issuers.learn(said(Ok(KEYS)));
    assert!(told(&issuers).is_empty());
    issuers.learn(said(Err("x answers 502")));
    assert_eq!(
        told(&issuers),
        [format!(
            "{unreachable} the keys that it had before are still used"
        )]
    );
    assert_eq!(network(&issuers).issuers[0].keys, KEYS);
}

#[test]
fn keys_that_have_moved_are_followed() {
    let mut issuers = counting(Ok(None));
    issuers.learn(said(Ok(KEYS)));
    let moved = "https://keys.example/new";
    assert!(issuers.learn(said(Ok(moved))));
    assert_eq!(network(&issuers).issuers[0].keys, moved);
}

#[test]
fn whom_nobody_could_trust_is_told_without_being_asked() {
    let fault = Fault::new(Reason::CertificateInvalid, "Secret infra/a does not exist");
    let issuers = counting(Err(fault));
    let expected = "Secret infra/a does not exist; meanwhile nobody gets in";
    assert!(told(&issuers)[0].contains(expected));
    assert_eq!(issuers.unknown().count(), 0);
}

#[test]
fn what_is_known_stays_until_an_issuer_goes_whatever_its_authorities_are() {
    let mut issuers = counting(Ok(None));
    issuers.learn(said(Ok(KEYS)));
    issuers.count(&[issuer(Ok(None))]);
    assert_eq!(network(&issuers).issuers.len(), 1);
    let authorities = |issuers: &Issuers| {
        let network = network(issuers);
        assert_eq!(network.issuers[0].keys, KEYS);
        let tls = network.clusters[0].tls.clone();
        tls.and_then(|tls| tls.ca_pem)
    };
    assert_eq!(authorities(&issuers), None);
    issuers.learn(said(Err("x answers 502")));
    issuers.count(&[issuer(Ok(Some("PEM".to_owned())))]);
    assert_eq!(authorities(&issuers).as_deref(), Some("PEM"));
    assert_eq!(told(&issuers), [""; 0], "it is asked anew");
    let gone = Fault::new(Reason::CertificateInvalid, "Secret infra/a does not exist");
    issuers.count(&[issuer(Err(gone))]);
    assert_eq!(authorities(&issuers).as_deref(), Some("PEM"));
    let expected =
        "Secret infra/a does not exist; meanwhile the keys that it had before are still used";
    assert!(
        told(&issuers)[0].ends_with(expected),
        "{:?}",
        told(&issuers)
    );
    issuers.count(&[]);
    assert_eq!(network(&issuers), Network::default());
    assert!(!issuers.learn(said(Ok(KEYS))), "nobody counts on it");
}
