//! `scripts/run --with-auth`: a person follows what it prints.

use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::claude_code::ClaudeCode;
use harness::clients::{Login, Visit};
use harness::component;
use harness::port::Port;
use harness::process::{Process, command};
use harness::wait::within;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use harness::keycloak::user;

/// It starts a Keycloak of its own, beside that of the other tests.
const START: Duration = Duration::from_secs(240);

/// A PAT, and the login that the stand-in makes from it.
const PAT: &str = "ghp_alice";
const LOGIN: &str = "octocat-9061945c";

#[test]
fn who_follows_what_it_prints_logs_in_and_ctrl_c_ends_it_all() {
    let started = harness::runtime::prepare(async {
        let (port, keycloak) = (Port::hold(), Port::hold());
        let run = start(&port, &keycloak).await;
        let ends = |line: &str| line.contains("Ctrl-C ends it").then_some(());
        run.line_within(START, (0, "how to end it"), ends).await;
        (run, port, keycloak)
    });
    harness::runtime::run(follow(started));
}

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    harness::runtime::prepare(async {
        let (port, taken) = (Port::hold(), Port::hold());
        let _listener = std::net::TcpListener::bind(taken.address()).unwrap();
        let run = start(&port, &taken).await;
        let status = within("scripts/run ends", START, run.ended()).await;
        assert!(!status.success(), "{}", run.log());
        let hint = format!(
            "Is port {} in use? --keycloak-port takes another",
            taken.number()
        );
        run.line("which port is taken", |line| {
            line.contains(&hint).then_some(())
        })
        .await;
    });
}

/// Does what a person does with what was printed, and ends it.
async fn follow((run, port, keycloak): (Process, Port, Port)) {
    let printed: Vec<_> = run
        .lines()
        .iter()
        .map(|line| line.trim_start_matches("stderr: ").to_owned())
        .collect();
    let mut configuration = configuration(&printed);
    let server = &mut configuration["mcpServers"]["mcp-gateway"];
    assert_eq!(server["headers"]["x-github-pat"], "<your PAT>");
    server["headers"]["x-github-pat"] = json!(PAT);
    let url = server["url"].as_str().unwrap().to_owned();
    assert_eq!(
        url,
        format!("http://mcp.127-0-0-1.sslip.io:{}/mcp", port.number())
    );
    let issuer = format!(
        "https://keycloak.127-0-0-1.sslip.io:{}/realms/mcp",
        keycloak.number()
    );
    assert!(
        printed.iter().any(|line| line.contains(&issuer)),
        "{printed:#?}"
    );

    let authority = authority(&printed);
    let claude = ClaudeCode::new(&configuration, &authority).await;
    let said = claude.mcp_list().await;
    assert!(
        said.contains(&format!(
            "mcp-gateway: {url} (HTTP) - ! Needs authentication"
        )),
        "{said}"
    );
    let visit = Visit {
        headers: json!({"x-github-pat": PAT}),
        ..user("mcp2", 'a').visit
    };
    let seen = Login {
        visit,
        ..user("mcp2", 'a')
    }
    .trusting_file(&authority, &url)
    .await;
    assert_eq!(seen.claims["iss"], issuer);
    assert!(seen.results[0].to_string().contains(LOGIN), "{seen:?}");

    run.signal(Signal::INT);
    let status = run.ended().await;
    assert!(status.success(), "{status}\n{}", run.log());
    for port in [port, keycloak] {
        assert!(
            TcpStream::connect(port.address()).await.is_err(),
            "{port:?}"
        );
    }
    assert!(!authority.exists());
}

/// With the programs that are there, and the stand-in for GitHub.
async fn start(port: &Port, keycloak: &Port) -> Process {
    let mut run = command(Path::new("env"));
    // A shell that was started behind another one that goes on would never hear of Ctrl-C.
    run.arg("--default-signal=INT")
        .arg(component::file("../scripts/run"))
        .arg("--with-auth")
        .args(["--listen", &port.address().to_string()])
        .args(["--keycloak-port", &keycloak.number().to_string()])
        .env_remove("GITHUB_PAT")
        .env("MCP_ENVOY", component::envoy())
        .env("MCP_FILTER", component::filter())
        .env("MCP_CONTROL", component::control())
        .env("MCP_STAND_IN", component::stand_in());
    Process::start("scripts/run", run).await
}

/// What is to be pasted into `.mcp.json`.
fn configuration(printed: &[String]) -> Value {
    let lines = printed.iter().skip_while(|line| *line != "{");
    let (mut text, mut depth) = (String::new(), 0);
    for line in lines {
        text.push_str(line);
        depth += line.matches('{').count();
        depth -= line.matches('}').count();
        if depth == 0 {
            break;
        }
    }
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// The file that clients are told to trust.
fn authority(printed: &[String]) -> PathBuf {
    let path = |line: &String| {
        line.strip_prefix("NODE_EXTRA_CA_CERTS=")?
            .strip_suffix(" claude")
            .map(PathBuf::from)
    };
    printed.iter().find_map(path).expect("a file to trust")
}
