//! What of the lists is kept from a caller: what it could not call.

use super::request_facts::RequestFacts;
use crate::Context;
use crate::catalog::{ListKind, Listed};
use crate::method::RoutedMethod;
use crate::name::FederatedName;
use crate::policy::{Call, Outlook, Part};
use crate::resource_uri::Template;
use crate::table::{Server, Table};

/// See the module.
#[derive(Debug)]
pub(crate) struct Hidden<'a> {
    table: &'a Table,
    /// Of the policies, by place.
    outlooks: Vec<Outlook<'a>>,
}

impl<'a> Hidden<'a> {
    /// `None` where no policy hides anything from the caller.
    pub(crate) fn from(
        table: &'a Table,
        facts: &'a RequestFacts,
        context: &mut Context<'_>,
    ) -> Option<Self> {
        if !table.conceals() {
            return None;
        }
        let outlooks = table.outlooks(facts.claims(table, context));
        let hides = outlooks.iter().any(|outlook| *outlook != Outlook::Possible);
        hides.then_some(Self { table, outlooks })
    }

    /// Whether the caller could not call this of a list.
    pub(crate) fn hides(&self, kind: ListKind, listed: Listed<'_>) -> bool {
        let (server, policies) = self.table.listed_server(listed.server);
        let mut outlooks = policies.iter().map(|place| self.outlooks.get(*place));
        outlooks.any(|outlook| match outlook {
            Some(Outlook::Possible) => false,
            None | Some(Outlook::Impossible) => true,
            Some(outlook) => {
                let call = call(kind, server, listed.key);
                // Which of its resources is read, only a request says.
                let template = (kind == ListKind::ResourceTemplates)
                    .then(|| Template::parse(listed.key).ok())
                    .flatten();
                let is_allowed = match &template {
                    Some(template) => outlook.allows_one_of(template, &call),
                    None => outlook.allows(&call),
                };
                !is_allowed
            }
        })
    }
}

/// The request for what is listed.
fn call<'a>(kind: ListKind, server: &'a Server, key: &'a str) -> Call<'a> {
    let own_name = || FederatedName::own_name(&server.prefix, key).unwrap_or(key);
    let (method, of) = match kind {
        ListKind::Tools => (RoutedMethod::ToolsCall, Part::Tool(own_name())),
        ListKind::Prompts => (RoutedMethod::PromptsGet, Part::Prompt(own_name())),
        ListKind::Resources | ListKind::ResourceTemplates => {
            (RoutedMethod::ResourcesRead, Part::Resource(key))
        }
    };
    Call {
        method: method.as_str(),
        server: &server.name,
        of,
    }
}
