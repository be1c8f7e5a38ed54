//! By which of Istio's objects a gateway runs the filter.

use std::fmt;

use clap::ValueEnum;
use serde_json::Value;

use crate::image::Image;
use crate::labels::{VERSION, label};
use crate::object::ObjectName;
use crate::render::{envoy_filter_name, name_suffix};
use crate::resource::{
    ENVOY_FILTER, ENVOY_FILTER_VERSION, ObjectKey, WASM_PLUGIN, WASM_PLUGIN_VERSION,
};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Attach {
    /// A pair of WasmPlugins, with the roles `route` and `gate`.
    #[value(name = "wasmplugin")]
    WasmPlugin,
    /// One EnvoyFilter, with the role `hold`. Control needs the right to write these.
    #[value(name = "envoyfilter")]
    EnvoyFilter,
}

/// One of these objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Attachment {
    /// Of which kind it is.
    pub(crate) attach: Attach,
    /// Its name.
    pub(crate) name: ObjectName,
}

impl Attach {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::WasmPlugin, Self::EnvoyFilter];

    /// `kind` of the objects.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::WasmPlugin => WASM_PLUGIN,
            Self::EnvoyFilter => ENVOY_FILTER,
        }
    }

    /// `apiVersion` of the objects.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::WasmPlugin => WASM_PLUGIN_VERSION,
            Self::EnvoyFilter => ENVOY_FILTER_VERSION,
        }
    }

    /// The only one.
    pub(crate) fn versions(self) -> &'static [&'static str] {
        match self {
            Self::WasmPlugin => &[WASM_PLUGIN_VERSION],
            Self::EnvoyFilter => &[ENVOY_FILTER_VERSION],
        }
    }

    /// What the objects of a gateway are, as their labels name them. The first has the whole configuration.
    pub(crate) fn components(self) -> &'static [&'static str] {
        match self {
            Self::WasmPlugin => &["route", "gate"],
            Self::EnvoyFilter => &["hold"],
        }
    }

    /// The component whose configuration is the whole.
    pub(crate) fn whole(self) -> &'static str {
        match self {
            Self::WasmPlugin => "route",
            Self::EnvoyFilter => "hold",
        }
    }

    /// The filter's configuration in an object, if there is any. What is no JSON is a text.
    pub(crate) fn config(self, object: &Value) -> Option<Value> {
        let config = object.pointer(self.config_place())?;
        match (self, config) {
            (Self::WasmPlugin, config) => Some(config.clone()),
            (Self::EnvoyFilter, Value::String(text)) if text.is_empty() => None,
            (Self::EnvoyFilter, Value::String(text)) => {
                Some(serde_json::from_str(text).unwrap_or_else(|_| config.clone()))
            }
            (Self::EnvoyFilter, _) => None,
        }
    }

    /// A configuration as it stands there: Envoy hands on no other type of protobuf's than a string as it is.
    pub(crate) fn written(self, config: Value) -> Value {
        match self {
            Self::WasmPlugin => config,
            Self::EnvoyFilter => config.to_string().into(),
        }
    }

    /// Where the filter's configuration stands in an object.
    pub(crate) fn config_place(self) -> &'static str {
        match self {
            Self::WasmPlugin => "/spec/pluginConfig",
            Self::EnvoyFilter => {
                "/spec/configPatches/0/patch/value/typed_config/config/configuration/value"
            }
        }
    }

    /// Where the image's URL stands in an object.
    pub(crate) fn url_place(self) -> &'static str {
        match self {
            Self::WasmPlugin => "/spec/url",
            Self::EnvoyFilter => {
                "/spec/configPatches/0/patch/value/typed_config/config/vm_config/code/remote/http_uri/uri"
            }
        }
    }

    /// The members of `spec` that are whoever's has set them. Any other narrows what passes by the filter, or makes
    /// another of it.
    pub(crate) fn is_others(self, member: &str) -> bool {
        match self {
            Self::WasmPlugin => member == "imagePullSecret",
            Self::EnvoyFilter => false,
        }
    }

    /// Names the Secret with the registry's login in an object. Istio gives no login to what an EnvoyFilter pulls.
    pub(crate) fn pull_by(self, object: &mut Value, secret: &str) {
        if let (Self::WasmPlugin, Some(spec)) = (self, object.get_mut("spec")) {
            spec["imagePullSecret"] = secret.into();
        }
    }

    /// An annotation whose change has Istio's agent pull the image anew. Istiod passes on a changed EnvoyFilter whose
    /// `spec` is the same only where an annotation has Istio's own domain in its name.
    pub(crate) fn nudge(self) -> &'static str {
        match self {
            Self::WasmPlugin => "mcp-proxy-wasm/nudged-at",
            Self::EnvoyFilter => "mcp-proxy-wasm.istio.io/nudged-at",
        }
    }
}

impl Attachment {
    /// By what an apiserver knows it.
    pub(crate) fn key(&self) -> ObjectKey {
        ObjectKey {
            version: self.attach.version(),
            kind: self.attach.kind(),
            name: self.name.clone(),
        }
    }

    /// Whether control has made it for this gateway: by its name, whatever its labels say.
    pub(crate) fn is_own(&self, gateway: &ObjectName, image: &Image) -> bool {
        let name = &self.name.name;
        match self.attach {
            Attach::WasmPlugin => name.ends_with(&name_suffix(gateway, image)),
            Attach::EnvoyFilter => *name == envoy_filter_name(gateway),
        }
    }

    /// Whether an object of control's is of this image: by what control alone has reason to change.
    pub(crate) fn is_of(&self, object: &Value, gateway: &ObjectName, image: &Image) -> bool {
        match self.attach {
            Attach::WasmPlugin => self.is_own(gateway, image),
            Attach::EnvoyFilter => label(object, VERSION) == Some(image.short_digest()),
        }
    }
}

impl fmt::Display for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.attach.kind(), self.name)
    }
}
