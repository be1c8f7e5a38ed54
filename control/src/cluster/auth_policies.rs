//! How the AuthPolicies stand.

use super::model::{Model, Trouble};
use super::objects::Objects;
use super::status::Wish;
use crate::index::PolicyVerdict;
use crate::manifests::{Identity, Kind};
use crate::object::ObjectName;
use crate::verdict::{Fault, Readiness, Reason};

/// The conditions of each.
pub(super) fn wishes(model: &Model, objects: &Objects) -> Vec<(Identity, Vec<Wish>)> {
    let identity = |name: &ObjectName| Identity {
        kind: Kind::AuthPolicy,
        name: name.clone(),
    };
    let verdicts = model.whole.policy_verdicts.iter();
    let readable = verdicts.map(|verdict| {
        let wishes = [accepted(verdict), enforced(verdict, model)];
        (identity(&verdict.name), wishes.to_vec())
    });
    let unreadable = objects.unreadable().into_iter();
    let unreadable = unreadable
        .filter(|(identity, _)| identity.kind == Kind::AuthPolicy)
        .map(|(identity, reason)| {
            let fault = Fault::unreadable(reason);
            let refused = |kind| Wish::new(kind, Readiness::False, fault.reason, &*fault.message);
            (identity, ["Accepted", "Enforced"].map(refused).to_vec())
        });
    readable.chain(unreadable).collect()
}

fn accepted(verdict: &PolicyVerdict) -> Wish {
    let status = match verdict.accepted {
        true => Readiness::True,
        false => Readiness::False,
    };
    let reason = reason(verdict, Reason::Accepted);
    Wish::new("Accepted", status, reason, message(verdict))
}

/// A policy is in force once all gateways that it is for are known to have it.
fn enforced(verdict: &PolicyVerdict, model: &Model) -> Wish {
    if !verdict.accepted || !verdict.enforced {
        let reason = reason(verdict, Reason::Unsupported);
        return Wish::new("Enforced", Readiness::False, reason, message(verdict));
    }
    let is_for = |known: &PolicyVerdict| known.name == verdict.name && known.enforced;
    let gateways = model.gateways.iter().filter(|(_, gateway)| {
        let mut known = gateway.index.policy_verdicts.iter();
        // One that it is for no more may not know that yet.
        known.any(is_for) || gateway.live.is_guarded_by(&verdict.name)
    });
    let mut gateways = gateways.peekable();
    if gateways.peek().is_none() {
        let message = "no gateway serves what it is for yet";
        return Wish::new("Enforced", Readiness::Unknown, Reason::Pending, message);
    }
    match gateways.find(|(_, gateway)| !gateway.enforces(&verdict.name)) {
        None => Wish::new("Enforced", Readiness::True, Reason::Enforced, ""),
        Some((name, gateway)) => {
            let Trouble { reason, message } = gateway.pending(name);
            Wish::new("Enforced", Readiness::Unknown, reason, message)
        }
    }
}

/// Of what its author is told first, but for what does not keep it from being enforced where something else does.
fn reason(verdict: &PolicyVerdict, otherwise: Reason) -> Reason {
    let mut reasons = verdict.told.iter().map(|fault| fault.reason);
    let first = reasons.clone().next();
    let graver = reasons.find(|reason| *reason != Reason::AudienceNotChecked);
    graver.or(first).unwrap_or(otherwise)
}

fn message(verdict: &PolicyVerdict) -> String {
    let messages: Vec<_> = verdict
        .told
        .iter()
        .map(|fault| fault.message.as_str())
        .collect();
    messages.join(". ")
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;

    use super::super::model::samples::{
        OBJECTS, found, model, name, objects, read, see_live, server,
    };
    use super::*;

    /// What guards a route, of a predicate.
    fn guarded(predicate: &str) -> Objects {
        with_route_of(&["one"], predicate)
    }

    /// The same of a route that is for no gateway.
    fn unattached(predicate: &str) -> Objects {
        with_route_of(&[], predicate)
    }

    fn with_route_of(gateways: &[&str], predicate: &str) -> Objects {
        let policy = format!(
            "\n---\n{{apiVersion: kuadrant.io/v1, kind: AuthPolicy, metadata: {{name: guard, namespace: team}}, spec: \
             {{targetRef: {{group: gateway.networking.k8s.io, kind: HTTPRoute, name: github}}, rules: {{authorization: \
             {{all: {{patternMatching: {{patterns: [{{predicate: '{predicate}'}}]}}}}}}}}}}}}"
        );
        objects(&[OBJECTS, &server("github", gateways), &policy].concat())
    }

    fn enforced(model: &Model, objects: &Objects) -> (Readiness, Reason, String) {
        let [(_, wishes)] = <[_; 1]>::try_from(wishes(model, objects)).unwrap();
        let [_, enforced] = <[_; 2]>::try_from(wishes).unwrap();
        (enforced.status, enforced.reason, enforced.message)
    }

    #[test]
    fn a_policy_is_enforced_once_the_gateway_is_seen_with_what_it_says_by_now() {
        let mut model = model();
        let gateway = name("infra", "one");
        let objects = guarded("request.headers[\"x-team\"] == \"a\"");
        read(&mut model, &objects, None);
        model.learn(&gateway, &found("github", "a"), Timestamp::UNIX_EPOCH);
        model.render().unwrap();
        see_live(&mut model);
        let in_force = (Readiness::True, Reason::Enforced, String::new());
        assert_eq!(enforced(&model, &objects), in_force);

        let changed = guarded("request.headers[\"x-team\"] == \"b\"");
        read(&mut model, &changed, None);
        let (status, reason, message) = enforced(&model, &changed);
        assert_eq!((status, reason), (Readiness::Unknown, Reason::Pending));
        assert!(message.starts_with("Gateway infra/one "), "{message}");
        see_live(&mut model);
        assert_eq!(enforced(&model, &changed), in_force);

        // Other news of the gateway is none of the policy.
        model.learn(&gateway, &found("github", "b"), Timestamp::UNIX_EPOCH);
        model.render().unwrap();
        assert_eq!(enforced(&model, &changed), in_force);

        let trouble = model.gateways.get_mut(&gateway).unwrap();
        trouble.is_in_trouble(Reason::GatewayUnreachable, "it is away".to_owned());
        let (status, reason, message) = enforced(&model, &changed);
        assert_eq!(
            (status, reason),
            (Readiness::Unknown, Reason::GatewayUnreachable)
        );
        assert!(message.contains("it is away"), "{message}");
    }

    #[test]
    fn a_policy_for_what_no_gateway_serves_is_not_enforced() {
        let mut model = model();
        let objects = unattached("request.headers[\"x-team\"] == \"a\"");
        read(&mut model, &objects, None);
        see_live(&mut model);
        let (status, reason, message) = enforced(&model, &objects);
        assert_eq!((status, reason), (Readiness::Unknown, Reason::Pending));
        assert_eq!(message, "no gateway serves what it is for yet");
    }

    #[test]
    fn a_policy_is_not_enforced_while_a_gateway_that_has_lost_its_server_serves_it() {
        let mut model = model();
        let objects = guarded("request.headers[\"x-team\"] == \"a\"");
        read(&mut model, &objects, None);
        let gateway = name("infra", "one");
        model.learn(&gateway, &found("github", "a"), Timestamp::UNIX_EPOCH);
        model.render().unwrap();
        see_live(&mut model);
        let stricter = unattached("request.headers[\"x-team\"] == \"b\"");
        read(&mut model, &stricter, None);
        let (status, reason, _) = enforced(&model, &stricter);
        assert_eq!((status, reason), (Readiness::Unknown, Reason::Pending));
    }
}
