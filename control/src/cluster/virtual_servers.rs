//! How the MCPVirtualServers stand: none is served, and each is told what it would select.

use std::collections::BTreeSet;

use super::model::Model;
use super::objects::Objects;
use super::status::Wish;
use crate::api::McpVirtualServerSpec;
use crate::index::NOT_SERVED;
use crate::manifests::{Identity, Kind, Object};
use crate::render::Listed;
use crate::verdict::{Fault, Readiness, Reason};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) identity: Identity,
    /// The condition `Ready`.
    pub(super) ready: Wish,
    pub(super) selection: Selection,
}

/// What the names in a specification come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// How many tools there are; absent where that is not known.
    pub(super) tools: Option<usize>,
    /// Names of tools, then of prompts, that no gateway lists.
    pub(super) unmatched: Vec<String>,
}

/// See the module. Those that cannot be read are among them.
pub(super) fn standings(model: &Model, objects: &Objects) -> Vec<Standing> {
    let listed: Vec<_> = model.listed().collect();
    let readable = objects.readable().filter_map(|object| {
        let Object::McpVirtualServer(server) = object else {
            return None;
        };
        let selection = Selection::new(&server.spec, &listed);
        Some(Standing {
            identity: object.identity(),
            ready: not_ready(Reason::Unsupported, selection.message()),
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
                ready: not_ready(reason, message),
                selection: Selection::default(),
            }
        });
    readable.chain(unreadable).collect()
}

fn not_ready(reason: Reason, message: String) -> Wish {
    let fault = Fault::new(reason, message);
    Wish::new("Ready", Readiness::False, fault.reason, fault.message)
}

impl Selection {
    fn new(spec: &McpVirtualServerSpec, listed: &[&Listed]) -> Self {
        let tools: BTreeSet<_> = spec.tools.iter().collect();
        let is_tool = |name: &String| listed.iter().any(|listed| listed.has_tool(name));
        let is_prompt = |name: &String| listed.iter().any(|listed| listed.has_prompt(name));
        let unmatched_tools = spec.tools.iter().filter(|name| !is_tool(name));
        let prompts = spec.prompts.iter().flatten();
        let unmatched_prompts = prompts.filter(|name| !is_prompt(name));
        let mut seen = BTreeSet::new();
        let unmatched = unmatched_tools.chain(unmatched_prompts);
        Self {
            tools: Some(tools.into_iter().filter(|name| is_tool(name)).count()),
            unmatched: unmatched
                .filter(|name| seen.insert(*name))
                .cloned()
                .collect(),
        }
    }

    fn message(&self) -> String {
        match self.unmatched.len() {
            0 => NOT_SERVED.to_owned(),
            1 => format!("{NOT_SERVED}. No gateway lists one of its names: see status.unmatched"),
            several => format!(
                "{NOT_SERVED}. No gateway lists {several} of its names: see status.unmatched"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;

    use super::super::model::tests::{both, found, model, name, objects, read};
    use super::*;

    fn standing(model: &Model, spec: &str) -> Standing {
        let manifest = format!(
            "{{apiVersion: mcp.kuadrant.io/v1, kind: MCPVirtualServer, metadata: {{name: few, namespace: team}}, \
             spec: {spec}}}"
        );
        let [standing] = <[_; 1]>::try_from(standings(model, &objects(&manifest))).unwrap();
        assert_eq!(standing.identity.to_string(), "MCPVirtualServer team/few");
        standing
    }

    #[test]
    fn names_are_matched_with_what_any_gateway_lists() {
        let (mut model, objects) = (model(), both());
        read(&mut model, &objects, None);
        let spec = "{tools: [gitlab_a, none, gitlab_a, none, github_a], prompts: [none, gitlab_a]}";
        let before = standing(&model, spec);
        assert_eq!(before.selection.tools, Some(0));
        assert_eq!(before.selection.unmatched, ["gitlab_a", "none", "github_a"]);

        model.learn(
            &name("infra", "two"),
            &found("gitlab", "a"),
            Timestamp::UNIX_EPOCH,
        );
        model.render().unwrap();
        let after = standing(&model, spec);
        assert_eq!(after.selection.tools, Some(1));
        // A tool of the name is no prompt.
        assert_eq!(after.selection.unmatched, ["none", "github_a", "gitlab_a"]);
        let all = standing(&model, "{tools: [gitlab_a]}");
        assert_eq!(
            (all.selection.tools, all.selection.unmatched),
            (Some(1), Vec::new())
        );
    }

    #[test]
    fn none_is_ready_and_the_message_says_what_clients_get() {
        let model = model();
        for (spec, end) in [
            (
                "{tools: [a]}",
                "lists one of its names: see status.unmatched",
            ),
            (
                "{tools: [a, b]}",
                "lists 2 of its names: see status.unmatched",
            ),
        ] {
            let ready = standing(&model, spec).ready;
            assert_eq!(
                (ready.status, ready.reason),
                (Readiness::False, Reason::Unsupported)
            );
            assert!(
                ready.message.starts_with(NOT_SERVED) && ready.message.ends_with(end),
                "{ready:?}"
            );
        }
    }

    #[test]
    fn one_that_cannot_be_read_is_invalid_and_selects_nothing() {
        let odd = standing(&model(), "{tools: 7}");
        assert_eq!(odd.ready.reason, Reason::Invalid);
        assert!(
            odd.ready.message.contains("spec.tools"),
            "{}",
            odd.ready.message
        );
        assert_eq!(odd.selection, Selection::default());
    }
}
