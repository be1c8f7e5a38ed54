//! What is wrong with objects that have no status of control's.

use std::collections::BTreeSet;

use super::model::Model;
use super::objects::Objects;
use crate::index;
use crate::manifests::{Identity, Kind};
use crate::verdict::{Fault, Reason};

/// One thing to be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Notice {
    pub(super) identity: Identity,
    pub(super) reason: Reason,
    pub(super) message: String,
    /// Whether the object does not do what its author wants. Else it is merely of no effect here.
    pub(super) is_fault: bool,
}

/// All that there is to be told now.
pub(super) fn notices(model: &Model, objects: &Objects) -> BTreeSet<Notice> {
    let resolved = model.whole.notices.iter().filter_map(resolved);
    let unreadable = objects.unreadable().into_iter();
    let unreadable = unreadable
        .map(|(identity, reason)| Notice::new(identity, &Fault::unreadable(reason), true));
    resolved
        .chain(unreadable)
        // Those say it in their conditions, of which people are told.
        .filter(|notice| !(notice.is_fault && notice.identity.kind.is_own()))
        .collect()
}

fn resolved(notice: &index::Notice) -> Option<Notice> {
    let mut kinds = Kind::ALL.into_iter();
    let kind = kinds.find(|kind| kind.as_str() == notice.kind)?;
    let name = notice.name.clone();
    Some(Notice::new(
        Identity { kind, name },
        &notice.fault,
        !notice.accepted,
    ))
}

impl Notice {
    fn new(identity: Identity, fault: &Fault, is_fault: bool) -> Self {
        Self {
            identity,
            reason: fault.reason,
            message: fault.message.clone(),
            is_fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::samples::{OBJECTS, model, objects, read, server};
    use super::*;

    /// Kind and name, reason, and whether it is a fault.
    fn told(more: &str) -> Vec<(String, Reason, bool)> {
        let objects = objects(&[OBJECTS, &server("github", &["one"]), "\n---\n", more].concat());
        let mut model = model();
        read(&mut model, &objects, None);
        let notices = notices(&model, &objects).into_iter();
        notices
            .map(|notice| (notice.identity.to_string(), notice.reason, notice.is_fault))
            .collect()
    }

    fn policy(kind: &str, name: &str) -> String {
        format!(
            "{{apiVersion: kuadrant.io/v1, kind: AuthPolicy, metadata: {{name: odd, namespace: team}}, \
             spec: {{targetRef: {{kind: {kind}, name: {name}}}, rules: {{authentication: {{a: {{}}}}}}}}}}"
        )
    }

    #[test]
    fn a_policy_that_closes_its_target_is_a_fault_and_one_that_concerns_nobody_is_none() {
        let odd = || "AuthPolicy team/odd".to_owned();
        assert_eq!(
            told(&policy("HTTPRoute", "github")),
            [(odd(), Reason::PolicyUnsupported, true)]
        );
        assert_eq!(
            told(&policy("Gateway", "elsewhere")),
            [(odd(), Reason::TargetNotFound, true)]
        );
        let plain = "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: plain, namespace: team}, \
                     spec: {gatewayClassName: istio, listeners: []}}";
        let of_plain = format!("{plain}\n---\n{}", policy("Gateway", "plain"));
        assert_eq!(told(&of_plain), [(odd(), Reason::Unsupported, false)]);
    }

    #[test]
    fn an_object_that_cannot_be_read_is_told_but_where_its_status_says_so() {
        let odd = |version: &str, kind: &str| {
            format!(
                "{{apiVersion: {version}, kind: {kind}, metadata: {{name: odd, namespace: team}}, spec: 7}}"
            )
        };
        assert_eq!(
            told(&odd("networking.istio.io/v1", "ServiceEntry")),
            [("ServiceEntry team/odd".to_owned(), Reason::Invalid, true)]
        );
        for kind in [
            "MCPServerRegistration",
            "MCPGatewayExtension",
            "MCPVirtualServer",
        ] {
            assert_eq!(told(&odd("mcp.kuadrant.io/v1", kind)), [], "{kind}");
        }
    }
}
