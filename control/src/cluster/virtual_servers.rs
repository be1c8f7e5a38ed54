//! How the MCPVirtualServers stand, and what each selects.

use super::model::{Model, Trouble};
use super::objects::Objects;
use super::status::Wish;
use crate::manifests::{Identity, Kind, Object};
use crate::object::ObjectName;
use crate::selection::Selection;
use crate::verdict::{Fault, Readiness, Reason};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) identity: Identity,
    /// The condition `Ready`.
    pub(super) ready: Wish,
    pub(super) selection: Selection,
}

/// See the module. Those that cannot be read are among them.
pub(super) fn standings(model: &Model, objects: &Objects) -> Vec<Standing> {
    let listed: Vec<_> = model.listed().collect();
    let readable = objects.readable().filter_map(|object| {
        let Object::McpVirtualServer(server) = object else {
            return None;
        };
        let selection = Selection::of(&server.spec, &listed);
        let identity = object.identity();
        Some(Standing {
            ready: ready(model, &identity.name, &selection),
            identity,
            selection,
        })
    });
    let unreadable = objects.unreadable().into_iter();
    let unreadable = unreadable
        .filter(|(identity, _)| identity.kind == Kind::McpVirtualServer)
        .map(|(identity, reason)| {
            let Fault { reason, message } = Fault::unreadable(reason);
            Standing {
                identity,
                ready: Wish::new("Ready", Readiness::False, reason, message),
                selection: Selection::default(),
            }
        });
    readable.chain(unreadable).collect()
}

/// It is served once all gateways that list anything of it are known to show what it selects there.
fn ready(model: &Model, name: &ObjectName, selection: &Selection) -> Wish {
    let mut gateways = model.gateways.iter();
    let pending = gateways.find(|(_, gateway)| gateway.shows(name) == Some(false));
    let (status, reason, message) = match (selection.tools, pending) {
        (None | Some(0), _) => {
            let message = "no gateway lists any of its tools, so clients that ask for it are shown none: see \
                           status.unmatched";
            (Readiness::False, Reason::TargetNotFound, message.to_owned())
        }
        (Some(_), Some((gateway, pending))) => {
            let Trouble { reason, message } = pending.pending(gateway);
            (Readiness::Unknown, reason, message)
        }
        (Some(_), None) => (Readiness::True, Reason::Ready, message(selection)),
    };
    Wish::new("Ready", status, reason, message)
}

/// What is told of one that is served.
fn message(selection: &Selection) -> String {
    match selection.unmatched.len() {
        0 => String::new(),
        1 => "no gateway lists one of its names: see status.unmatched".to_owned(),
        several => {
            format!("no gateway lists {several} of its names: see status.unmatched")
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;

    use super::super::model::samples::{
        OBJECTS, found, model, name, objects, read, see_live, server,
    };
    use super::*;
    use crate::discovery::Event;

    const FEW: &str = "
---
apiVersion: mcp.kuadrant.io/v1
kind: MCPVirtualServer
metadata: {name: few, namespace: team}
spec: ";

    /// Two gateways and their servers, with a virtual server.
    fn with(spec: &str) -> Objects {
        let servers = [
            server("github", &["one", "two"]),
            server("gitlab", &["two"]),
        ];
        objects(&[OBJECTS, &servers.concat(), FEW, spec].concat())
    }

    /// How the virtual server stands once it is read.
    fn standing(model: &mut Model, spec: &str) -> Standing {
        let objects = with(spec);
        read(model, &objects, None);
        let [standing] = <[_; 1]>::try_from(standings(model, &objects)).unwrap();
        assert_eq!(standing.identity.to_string(), "MCPVirtualServer team/few");
        standing
    }

    fn list(model: &mut Model, gateway: &str, event: &Event) {
        model.learn(&name("infra", gateway), event, Timestamp::UNIX_EPOCH);
        model.render().unwrap();
    }

    #[test]
    fn names_are_matched_with_what_any_gateway_lists() {
        let mut model = model();
        let spec = "{tools: [gitlab_a, none, gitlab_a, none, github_a], prompts: [none, gitlab_a]}";
        let before = standing(&mut model, spec);
        assert_eq!(before.selection.tools, Some(0));
        assert_eq!(before.selection.unmatched, ["gitlab_a", "none", "github_a"]);

        list(&mut model, "two", &found("gitlab", "a"));
        let after = standing(&mut model, spec);
        assert_eq!(after.selection.tools, Some(1));
        // A tool of the name is no prompt.
        assert_eq!(after.selection.unmatched, ["none", "github_a", "gitlab_a"]);
        let all = standing(&mut model, "{tools: [gitlab_a]}");
        assert_eq!(
            (all.selection.tools, all.selection.unmatched),
            (Some(1), Vec::new())
        );
    }

    fn ready(model: &mut Model, spec: &str) -> (Readiness, Reason, String) {
        let Wish {
            status,
            reason,
            message,
            ..
        } = standing(model, spec).ready;
        (status, reason, message)
    }

    #[test]
    fn it_is_ready_once_the_gateways_that_list_a_tool_of_it_show_it() {
        let mut model = model();
        let (status, reason, message) = ready(&mut model, "{tools: [gitlab_a]}");
        assert_eq!((status, reason), (Readiness::False, Reason::TargetNotFound));
        assert!(message.ends_with("see status.unmatched"), "{message}");

        list(&mut model, "two", &found("gitlab", "a"));
        list(&mut model, "two", &found("github", "a"));
        let pending = |model: &mut Model, spec: &str| {
            let (status, reason, message) = ready(model, spec);
            assert_eq!((status, reason), (Readiness::Unknown, Reason::Pending));
            assert!(message.starts_with("Gateway infra/two "), "{message}");
        };
        pending(&mut model, "{tools: [gitlab_a]}");
        see_live(&mut model);
        let well = (Readiness::True, Reason::Ready, String::new());
        assert_eq!(ready(&mut model, "{tools: [gitlab_a]}"), well);
        // What it shows by now is not what was seen.
        pending(&mut model, "{tools: [gitlab_a, github_a]}");
        assert_eq!(ready(&mut model, "{tools: [gitlab_a]}"), well);
        list(&mut model, "two", &found("gitlab", "b"));
        let (status, ..) = ready(&mut model, "{tools: [gitlab_a]}");
        assert_eq!(status, Readiness::False, "its only tool is gone");
    }

    #[test]
    fn a_gateway_that_lists_none_of_its_tools_is_not_waited_for_and_another_tells_its_trouble() {
        let mut model = model();
        ready(&mut model, "{tools: [gitlab_a]}");
        list(&mut model, "two", &found("gitlab", "a"));
        see_live(&mut model);
        let away = |model: &mut Model, gateway: &str| {
            let gateway = model.gateways.get_mut(&name("infra", gateway)).unwrap();
            gateway.is_in_trouble(Reason::GatewayUnreachable, "it is away".to_owned());
        };
        away(&mut model, "one");
        let (status, ..) = ready(&mut model, "{tools: [gitlab_a]}");
        assert_eq!(status, Readiness::True);
        away(&mut model, "two");
        let (status, reason, message) = ready(&mut model, "{tools: [gitlab_a]}");
        let unknown = (Readiness::Unknown, Reason::GatewayUnreachable);
        assert_eq!((status, reason), unknown);
        assert!(message.contains("it is away"), "{message}");
    }

    #[test]
    fn a_gateway_that_still_shows_what_it_has_lost_is_waited_for() {
        let mut model = model();
        ready(&mut model, "{tools: [github_a, gitlab_a]}");
        list(&mut model, "one", &found("github", "a"));
        list(&mut model, "two", &found("gitlab", "a"));
        see_live(&mut model);
        let (status, _, message) = ready(&mut model, "{tools: [gitlab_a]}");
        assert_eq!(status, Readiness::Unknown);
        assert!(message.starts_with("Gateway infra/one "), "{message}");
        see_live(&mut model);
        let (status, ..) = ready(&mut model, "{tools: [gitlab_a]}");
        assert_eq!(status, Readiness::True);
    }

    #[test]
    fn the_message_counts_what_is_missing() {
        let mut model = model();
        ready(&mut model, "{tools: [gitlab_a]}");
        list(&mut model, "two", &found("gitlab", "a"));
        see_live(&mut model);
        for (spec, told) in [
            ("{tools: [gitlab_a]}", ""),
            (
                "{tools: [gitlab_a, b]}",
                "no gateway lists one of its names: see status.unmatched",
            ),
            (
                "{tools: [gitlab_a, b, c]}",
                "no gateway lists 2 of its names: see status.unmatched",
            ),
        ] {
            let told = (Readiness::True, Reason::Ready, told.to_owned());
            assert_eq!(ready(&mut model, spec), told);
        }
    }

    #[test]
    fn one_that_cannot_be_read_is_invalid_and_selects_nothing() {
        let odd = standing(&mut model(), "{tools: 7}");
        assert_eq!(odd.ready.reason, Reason::Invalid);
        assert!(
            odd.ready.message.contains("spec.tools"),
            "{}",
            odd.ready.message
        );
        assert_eq!(odd.selection, Selection::default());
    }
}
