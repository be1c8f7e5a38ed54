//! All that is printed.

use serde::Serialize;

use super::extension::Extension;
use super::fault::Fault;
use super::reference::Reference;
use super::registration::Registration;
use super::tool::Tool;
use super::virtual_server::VirtualServer;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listing {
    pub(super) registrations: Vec<Registration>,
    pub(super) extensions: Vec<Extension>,
    pub(super) virtual_servers: Vec<VirtualServer>,
    /// Absent where they are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<Vec<Tool>>,
    pub(super) faults: Vec<Fault>,
}

/// The objects of this project's kinds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Objects {
    pub(super) registrations: Vec<Registration>,
    pub(super) extensions: Vec<Extension>,
    pub(super) virtual_servers: Vec<VirtualServer>,
}

impl Listing {
    /// In order, with the faults that the objects show themselves after `faults`.
    pub(super) fn new(objects: Objects, tools: Option<Vec<Tool>>, mut faults: Vec<Fault>) -> Self {
        let Objects {
            mut registrations,
            mut extensions,
            mut virtual_servers,
        } = objects;
        let by_name = |a: &Reference, b: &Reference| {
            (&a.namespace, &a.name, a.kind).cmp(&(&b.namespace, &b.name, b.kind))
        };
        registrations.sort_by(|a, b| by_name(&a.object, &b.object));
        extensions.sort_by(|a, b| by_name(&a.object, &b.object));
        virtual_servers.sort_by(|a, b| by_name(&a.object, &b.object));
        let tools = tools.map(|mut tools| {
            tools.sort();
            // Where an image is replaced, there are two plugins for a moment.
            tools.dedup();
            tools
        });
        let of_registrations = registrations
            .iter()
            .map(|one| (&one.object, &one.place, &one.standing, one.generation));
        let of_extensions = extensions
            .iter()
            .map(|one| (&one.object, &one.place, &one.standing, one.generation));
        let of_virtual_servers = virtual_servers
            .iter()
            .map(|one| (&one.object, &one.place, &one.standing, one.generation));
        let all = of_registrations
            .chain(of_extensions)
            .chain(of_virtual_servers);
        for (object, place, standing, generation) in all {
            for (reason, message) in standing.faults(generation) {
                faults.push(Fault {
                    place: place.clone(),
                    ..Fault::new(object.clone(), reason, message)
                });
            }
        }
        Self {
            registrations,
            extensions,
            virtual_servers,
            tools,
            faults,
        }
    }

    /// What concerns a namespace. Faults that are no object's concern all.
    pub(super) fn within(mut self, namespace: &str) -> Self {
        self.registrations
            .retain(|one| one.object.namespace == namespace);
        self.extensions
            .retain(|one| one.object.namespace == namespace);
        self.virtual_servers
            .retain(|one| one.object.namespace == namespace);
        if let Some(tools) = &mut self.tools {
            tools.retain(|tool| tool.is_of(namespace));
        }
        self.faults.retain(|fault| {
            let object = fault.object.as_ref();
            // What a WasmPlugin serves is of any namespace.
            object.is_none_or(|object| object.namespace == namespace || object.kind == "WasmPlugin")
        });
        self
    }
}
