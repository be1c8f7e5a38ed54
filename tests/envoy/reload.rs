//! Changes of the folder while requests run, and the life of the program.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use harness::caller::Protocol;
use harness::component;
use harness::gateway::{Gateway, Role, temporary_folder};
use harness::manifests::{Manifests, Server};
use harness::port::Port;
use harness::proc::{children, runs};
use harness::process::{Process, command};
use harness::runtime;
use harness::script::{Answer, Script, Tool};
use harness::sessions::Client;
use harness::upstream::Upstream;
use harness::wait::{until, within};
use rustix::process::Signal;
use serde_json::json;
use tokio::time::Instant;

/// How soon a change is in effect, as the README promises.
const SOON: Duration = Duration::from_secs(2);

/// How late one change of three may be where other programs use the machine.
const AT_WORST: Duration = Duration::from_secs(10);

/// Longer takes no change, however busy the machine is.
const LATE: Duration = Duration::from_secs(30);

in_both_roles! {
    /// That a change takes effect within two seconds is measured as the median of three tries of each kind of change: what
    /// other programs delay, they delay now and then.
    async fn files_come_change_and_go_under_load_without_a_failed_request(role) {
        let first = Upstream::start(Script::standard().with_sessions()).await;
        let second = Upstream::start(tools(&["one"])).await;
        let third = Upstream::start(tools(&["two"])).await;
        let gateway = Gateway::start(role, &Manifests::gateway().server(&Server::new("first", first.address()))).await;
        let load = Load::start(&gateway, "first_echo").await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        let mut pace = Pace::default();
        for _ in 0..3 {
            gateway.write("second.yaml", &Server::new("second", second.address()).yaml());
            pace.keep("a file comes", listed(&client, "second_one", true)).await;
            client.call("second_one", json!({})).await.result();
            gateway.write("second.yaml", &Server::new("second", third.address()).yaml());
            pace.keep("a file changes", async {
                listed(&client, "second_two", true).await;
                listed(&client, "second_one", false).await;
            }).await;
            client.call("second_two", json!({})).await.result();
            gateway.remove("second.yaml");
            pace.keep("a file goes", listed(&client, "second_two", false)).await;
            client.call("second_two", json!({})).await.assert_error(200, -32602, &json!(1));
        }
        load.stop().await;
        pace.assert_soon();
    }

    async fn a_session_and_a_running_conversation_outlive_a_change(role) {
        let first = Upstream::start(Script::standard().with_sessions()).await;
        let second = Upstream::start(tools(&["one"])).await;
        let gateway = Gateway::start(role, &Manifests::gateway().server(&Server::new("first", first.address()))).await;
        let capabilities = json!({"elicitation": {}});
        let client = Client::with_capabilities(gateway.address(), Protocol::Http1, capabilities).await;
        let mut call = client.open_call("first_elicit_string_id", json!({})).await;
        let question = call.event().await.unwrap();
        gateway.write("second.yaml", &Server::new("second", second.address()).yaml());
        listed(&client, "second_one", true).await;
        let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}});
        assert_eq!(client.send(answer.to_string()).await.status, 202);
        let last = call.event().await.unwrap();
        assert_eq!(last["result"]["structuredContent"]["answer"]["id"], "7");
        let before = first.sessions().len();
        client.call("first_echo", json!({})).await.result();
        assert_eq!(first.sessions().len(), before, "the upstream session is kept");
    }

    async fn a_file_that_does_not_parse_is_named_and_changes_nothing(role) {
        let (one, two) = (Upstream::start(tools(&["x"])).await, Upstream::start(tools(&["y"])).await);
        let manifests = Manifests::gateway()
            .server(&Server::new("one", one.address()))
            .server(&Server::new("two", two.address()));
        let gateway = Gateway::start(role, &manifests).await;
        let load = Load::start(&gateway, "two_y").await;
        let good = Server::new("two", two.address()).yaml();
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        for bad in [good.replacen("spec:\n", "spec: [\n", 1), format!("{good}---\n\tkind: x\n"), "kind: [".to_owned(), "\u{0}".to_owned()] {
            let mark = gateway.process().mark();
            gateway.write("two.yaml", &bad);
            let line = gateway.process().line_after(mark, "that two.yaml is bad", |line| {
                line.contains("two.yaml").then(|| line.to_owned())
            }).await;
            assert!(line.chars().any(|letter| letter.is_ascii_digit()), "a line number: {line}");
            client.call("two_y", json!({})).await.result();
        }
        gateway.write("two.yaml", &good);
        gateway.remove("one.yaml");
        listed(&client, "one_x", false).await;
        client.call("two_y", json!({})).await.result();
        load.stop().await;
    }

    async fn an_invalid_object_is_named_and_the_rest_serves(role) {
        let (one, two) = (Upstream::start(tools(&["x"])).await, Upstream::start(tools(&["y"])).await);
        let lost = Server::new("lost", two.address()).yaml().replace("targetRef:\n    group: gateway.networking.k8s.io\n    kind: HTTPRoute\n    name: lost", "targetRef:\n    group: gateway.networking.k8s.io\n    kind: HTTPRoute\n    name: nowhere");
        let odd = Server::new("odd", two.address()).yaml().replace("prefix: odd_", "prefix: ODD-");
        let manifests = Manifests::gateway()
            .server(&Server::new("one", one.address()))
            .file("lost.yaml", &lost)
            .file("odd.yaml", &odd)
            .file("other.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: y\n")
            .file("notes.txt", "{ no manifest");
        let gateway = Gateway::start(role, &manifests).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.call("one_x", json!({})).await.result();
        let lines = gateway.process().lines();
        for word in ["lost", "nowhere", "odd"] {
            assert!(lines.iter().any(|line| line.contains(word)), "{word} is named: {lines:#?}");
        }
        assert_eq!(lines.iter().filter(|line| line.contains("Deployment")).count(), 1, "a kind that is skipped is named once: {lines:#?}");
        assert!(!lines.iter().any(|line| line.contains("notes.txt")), "{lines:#?}");
    }

    async fn one_object_in_two_files_is_an_error_that_names_both(role) {
        let one = Upstream::start(tools(&["x"])).await;
        let yaml = Server::new("one", one.address()).yaml();
        let gateway = Gateway::start(role, &Manifests::gateway().file("a.yaml", &yaml)).await;
        let mark = gateway.process().mark();
        gateway.write("b.yaml", &yaml);
        gateway.process().line_after(mark, "both files", |line| (line.contains("a.yaml") && line.contains("b.yaml")).then_some(())).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        client.call("one_x", json!({})).await.result();
    }

    async fn secrets_are_expanded_from_the_environment(role) {
        let guarded = |token: &str| Script { authorization: Some(format!("Bearer {token}")), ..tools(&["x"]) };
        let (set, unset) = (Upstream::start(guarded("a: $\"b")).await, Upstream::start(guarded("x")).await);
        let manifests = Manifests::gateway()
            .server(&Server::new("set", set.address()).credential("Bearer ${MCP_TEST_TOKEN}"))
            .server(&Server::new("unset", unset.address()).credential("Bearer $MCP_TEST_UNSET"));
        let gateway = Gateway::start_with(role, &manifests, &[("MCP_TEST_TOKEN", "a: $\"b")]).await;
        let row = |name: &str| gateway.printed().iter().find(|row| row.starts_with(name)).cloned().unwrap_or_default();
        assert!(row("set ").contains("True"), "{:?}", gateway.printed());
        assert!(row("unset ").contains("False"), "{:?}", gateway.printed());
        assert!(unset.received().is_empty(), "nothing is sent without the credential");
        let lines = gateway.process().lines();
        assert!(lines.iter().any(|line| line.contains("MCP_TEST_UNSET")), "{lines:#?}");
        assert!(!lines.iter().any(|line| line.contains("a: $")), "a secret is logged: {lines:#?}");
    }

    async fn sigterm_and_ctrl_c_end_envoy_too(role) {
        for signal in [Signal::TERM, Signal::INT] {
            let server = Upstream::start(Script::standard()).await;
            let gateway = Gateway::start(role, &Manifests::gateway().server(&Server::new("one", server.address()))).await;
            let client = Client::connected(gateway.address(), Protocol::Http1).await;
            let call = runtime::spawn({ let client = client.clone(); async move {
                client.post(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"one_hang"}}"#).try_open(client.address, Protocol::Http1).await.map(drop)
            } });
            server.until_hanging(1).await;
            let envoy = gateway.envoy_pid();
            let status = within("the end of mcp-control", Duration::from_secs(10), gateway.stop(signal)).await;
            assert_eq!(status.code(), Some(0), "{status:?}");
            assert!(!runs(envoy), "Envoy still runs");
            call.abort();
        }
    }

    async fn several_gateways_serve_one_folder_at_once(role) {
        let server = Upstream::start(tools(&["x"])).await;
        let folder = temporary_folder("several");
        for (name, text) in Manifests::gateway().server(&Server::new("one", server.address())).files() {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let argument = if role == Role::Hold { "hold" } else { "pair" };
        let start = || async {
            let mut local = command(&component::control());
            local.arg("local").arg(folder.path()).args(["--listen", "127.0.0.1:0", "--role", argument]);
            local.arg("--envoy").arg(component::envoy()).arg("--filter").arg(component::filter()).current_dir("/");
            Process::start("mcp-control local", local).await
        };
        let gateways = futures::future::join_all((0..3).map(|_| start())).await;
        for gateway in &gateways {
            let url = gateway.line("`ready`", |line| line.strip_prefix("ready ").map(str::to_owned)).await;
            let address = url.trim_start_matches("http://").trim_end_matches("/mcp").parse().unwrap();
            Client::connected(address, Protocol::Http1).await.call("one_x", json!({})).await.result();
        }
    }

    async fn a_server_that_starts_late_is_found(role) {
        let port = Arc::new(Port::hold());
        let gateway = Gateway::start(role, &Manifests::gateway().server(&Server::new("late", port.address()))).await;
        let client = Client::connected(gateway.address(), Protocol::Http1).await;
        assert!(client.list("tools/list", "tools").await.is_empty());
        let _late = Upstream::start_at(port, tools(&["x"])).await;
        listed_within(&client, "late_x", true, Duration::from_secs(60)).await;
        let line = gateway.process().line("how many tools it discovered", |line| line.contains("Discovered 1 tools").then(|| line.to_owned())).await;
        assert!(line.contains("mcp-test/late"), "{line}");
    }

    async fn a_busy_port_is_told_at_once(role) {
        let server = Upstream::start(tools(&["x"])).await;
        let gateway = Gateway::start(role, &Manifests::gateway().server(&Server::new("one", server.address()))).await;
        let mut local = command(&component::control());
        local.arg("local").arg(gateway.folder()).args(["--listen", &gateway.address().to_string()]);
        local.arg("--envoy").arg(component::envoy()).arg("--filter").arg(component::filter());
        let second = Process::start("a second mcp-control local", local).await;
        let status = within("the end of the second", Duration::from_secs(20), second.ended()).await;
        assert!(!status.success());
        let port = gateway.address().port().to_string();
        let lines = second.lines();
        assert!(lines.iter().any(|line| line.contains(&port)), "{lines:#?}");
        assert!(children(second.pid()).is_empty());
        Client::connected(gateway.address(), Protocol::Http1).await.call("one_x", json!({})).await.result();
    }
}

tests! {
    async fn check_tells_what_is_accepted_and_render_prints_the_configuration() {
        let folder = temporary_folder("check");
        let upstream = Upstream::start(Script::standard()).await;
        let server = Server::new("one", upstream.address());
        for (name, text) in Manifests::gateway().server(&server).files() {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let check = |folder: std::path::PathBuf| async move {
            let mut check = command(&component::control());
            check.arg("check").arg(folder);
            let check = Process::start("mcp-control check", check).await;
            (check.ended().await.code(), check.lines())
        };
        let (code, _) = check(folder.path().to_owned()).await;
        assert_eq!(code, Some(0));
        std::fs::write(folder.path().join("bad.yaml"), "kind: [").unwrap();
        let (code, lines) = check(folder.path().to_owned()).await;
        assert_eq!(code, Some(1));
        assert!(lines.iter().any(|line| line.contains("bad.yaml")), "{lines:#?}");
        std::fs::remove_file(folder.path().join("bad.yaml")).unwrap();
        let mut render = command(&component::control());
        render.arg("render").arg(folder.path());
        let render = Process::start("mcp-control render", render).await;
        assert_eq!(render.ended().await.code(), Some(0));
        let printed: String = until("a configuration in JSON", Duration::from_secs(5), || async {
            let lines = render.lines();
            let text: String = lines.into_iter().filter(|line| !line.starts_with("stderr: ")).collect();
            serde_json::from_str::<serde_json::Value>(&text).ok().map(|_| text)
        }).await;
        assert!(printed.contains("mcp-test/one"), "{printed}");
    }
}

fn tools(names: &[&str]) -> Script {
    Script::with_tools(
        names
            .iter()
            .map(|name| Tool::new(name, Answer::Echo))
            .collect(),
    )
}

/// The times that each kind of change took to be seen.
#[derive(Default)]
struct Pace(BTreeMap<&'static str, Vec<Duration>>);

impl Pace {
    async fn keep(&mut self, change: &'static str, seen: impl Future<Output = ()>) {
        let started = Instant::now();
        seen.await;
        self.0.entry(change).or_default().push(started.elapsed());
    }

    fn assert_soon(mut self) {
        for (change, times) in &mut self.0 {
            times.sort_unstable();
            let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
            assert!(median <= SOON && worst <= AT_WORST, "{change}: {times:?}");
        }
    }
}

async fn listed(client: &Client, tool: &str, there: bool) {
    listed_within(client, tool, there, LATE).await;
}

async fn listed_within(client: &Client, tool: &str, there: bool, bound: Duration) {
    let what = format!("{tool} is {}listed", if there { "" } else { "no longer " });
    until(&what, bound, || async {
        let tools = client.list("tools/list", "tools").await;
        (tools
            .iter()
            .any(|item| item.contains(&format!("\"{tool}\"")))
            == there)
            .then_some(())
    })
    .await;
}

/// Lists and calls without a pause, of which none may fail.
struct Load {
    going: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    started: Instant,
}

impl Load {
    async fn start(gateway: &Gateway, tool: &'static str) -> Self {
        let going = Arc::new(AtomicBool::new(true));
        let done = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for protocol in harness::caller::PROTOCOLS {
            let client = Client::connected(gateway.address(), protocol).await;
            let (going, done) = (Arc::clone(&going), Arc::clone(&done));
            tasks.push(runtime::spawn(async move {
                while going.load(Ordering::SeqCst) {
                    client.call(tool, json!({})).await.result();
                    client.request("tools/list", &json!({})).await.result();
                    done.fetch_add(2, Ordering::SeqCst);
                }
            }));
        }
        Self {
            going,
            done,
            tasks,
            started: Instant::now(),
        }
    }

    async fn stop(self) {
        self.going.store(false, Ordering::SeqCst);
        for task in self.tasks {
            task.await.expect("no request fails");
        }
        let done = self.done.load(Ordering::SeqCst);
        assert!(
            done > 100,
            "{done} requests in {:?} are no load",
            self.started.elapsed()
        );
    }
}
