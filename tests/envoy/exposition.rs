//! What an Envoy tells of itself to Prometheus.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use harness::gateway::Gateway;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

/// All samples at one time.
#[derive(Debug)]
pub(crate) struct Exposition(Vec<Sample>);

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Exposition {
    /// Of a gateway's Envoy.
    pub(crate) async fn of(gateway: &Gateway) -> Self {
        Self::parse(&ask(gateway, "/stats/prometheus").await)
    }

    fn parse(text: &str) -> Self {
        let lines = text.lines();
        let samples = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(samples.map(Sample::parse).collect())
    }

    /// Those of this name.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &Sample> {
        self.0.iter().filter(move |sample| sample.name == name)
    }

    /// Those whose names begin so.
    pub(crate) fn beginning(&self, with: &str) -> impl Iterator<Item = &Sample> {
        self.0
            .iter()
            .filter(move |sample| sample.name.starts_with(with))
    }

    /// The sum of those that have these labels.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let matching = self.named(name).filter(|sample| {
            let has = |(label, value): &(&str, &str)| sample.label(label) == Some(value);
            labels.iter().all(has)
        });
        matching.map(|sample| sample.value).sum()
    }
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let mut labels = labels.strip_suffix('}').expect("labels in braces");
        let mut pairs = BTreeMap::new();
        while let Some((label, rest)) = labels.split_once("=\"") {
            let (value, rest) = rest.split_once('"').expect("a value in quotes");
            pairs.insert(label.to_owned(), value.to_owned());
            labels = rest.strip_prefix(',').unwrap_or(rest);
        }
        Self {
            name: name.to_owned(),
            labels: pairs,
            value: value.parse().expect("a number"),
        }
    }
}

/// What the admin interface of a gateway's Envoy answers.
pub(crate) async fn ask(gateway: &Gateway, path: &str) -> String {
    let stream = UnixStream::connect(admin_socket(gateway)).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = harness::runtime::spawn(connection);
    let request = Request::get(path).header("host", "envoy");
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    connection.abort();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Where the files are that its Envoy reads.
pub(crate) fn envoy_folder(gateway: &Gateway) -> PathBuf {
    bootstrap_file(gateway).parent().unwrap().to_owned()
}

/// As its Envoy was started with.
fn admin_socket(gateway: &Gateway) -> PathBuf {
    let bootstrap = fs::read(bootstrap_file(gateway)).unwrap();
    let bootstrap: Value = serde_json::from_slice(&bootstrap).unwrap();
    let path = &bootstrap["admin"]["address"]["pipe"]["path"];
    PathBuf::from(path.as_str().expect("a socket"))
}

fn bootstrap_file(gateway: &Gateway) -> PathBuf {
    let arguments = fs::read(format!("/proc/{}/cmdline", gateway.envoy_pid())).unwrap();
    let mut arguments = arguments.split(|byte| *byte == 0);
    let bootstrap = arguments.find(|argument| argument.ends_with(b"bootstrap.json"));
    let bootstrap = bootstrap.expect("a bootstrap").to_vec();
    PathBuf::from(String::from_utf8(bootstrap).unwrap())
}
