//! The filter's place in the chain, and its configuration as Envoy fetches it (ECDS).

use serde_json::{Value, json};

use super::response::{from_file, text, typed};
use super::subscription::Subscription;
use super::{Instances, Setup};

const WASM_FILTER: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// One instance of the filter: an HTTP filter of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extension {
    /// Role `hold`.
    Hold,
    /// Role `route`.
    Route,
    /// Role `gate`.
    Gate,
}

impl Extension {
    /// The instances of a chain, in its order.
    pub fn chain(instances: Instances) -> &'static [Self] {
        match instances {
            Instances::Hold => &[Self::Hold],
            Instances::Pair => &[Self::Route, Self::Gate],
        }
    }

    /// The filter's name, also in Envoy's statistics and in its log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hold => "mcp-hold",
            Self::Route => "mcp-route",
            Self::Gate => "mcp-gate",
        }
    }

    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Hold => "filter-hold.json",
            Self::Route => "filter-route.json",
            Self::Gate => "filter-gate.json",
        }
    }

    /// The HTTP filter, to be placed in the chain.
    pub(super) fn filter(self, setup: &Setup) -> Value {
        json!({
            "name": self.name(),
            "config_discovery": {
                "config_source": from_file(&Subscription::Filter(self).path(setup)),
                "type_urls": [format!("type.googleapis.com/{WASM_FILTER}")],
            },
        })
    }

    /// The resource that its file holds. `configuration` reaches the filter byte for byte.
    ///
    /// Every instance names the same code and no `vm_id`, so that a pair lives in one VM.
    pub fn resource(self, setup: &Setup, configuration: &str) -> Value {
        let plugin = json!({
            "name": self.name(),
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": { "local": { "filename": text(&setup.module) } },
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": configuration,
            },
            "failure_policy": "FAIL_RELOAD",
            "allow_on_headers_stop_iteration": self == Self::Hold,
        });
        let config = json!({
            "name": self.name(),
            "typed_config": typed(WASM_FILTER, json!({ "config": plugin })),
        });
        typed("envoy.config.core.v3.TypedExtensionConfig", config)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{assert_golden, setup};
    use super::*;

    #[test]
    fn a_holding_instance_may_stop_at_the_headers_and_read_on() {
        let actual = Extension::Hold.resource(&setup(Instances::Hold), r#"{"version": 1}"#);
        assert_golden(&actual, include_str!("testdata/extension_hold.json"));
    }

    #[test]
    fn a_pair_shares_one_vm() {
        let setup = setup(Instances::Pair);
        let vm = |extension: Extension| {
            extension
                .resource(&setup, "{}")
                .pointer("/typed_config/config/vm_config")
                .cloned()
        };
        assert!(vm(Extension::Route).is_some());
        assert_eq!(vm(Extension::Route), vm(Extension::Gate));
    }

    #[test]
    fn an_instance_of_a_pair_does_without_the_option_that_istio_lacks() {
        let actual = Extension::Route.resource(&setup(Instances::Pair), "{}");
        let option = actual.pointer("/typed_config/config/allow_on_headers_stop_iteration");
        assert_eq!(option, Some(&Value::Bool(false)));
    }
}
