//! Which functions of the module the host may call.

use std::ops::Range;

use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasmparser::{BinaryReaderError, Export, ExportSectionReader, ExternalKind, Parser, Payload};

/// Callbacks of the SDK, and what is exported under their names in their place.
const REPLACED: &[(&str, &str)] = &[("proxy_on_request_body", "mcp_on_request_body")];

/// Callbacks that the filter leaves to the SDK, which does nothing in them.
const REMOVED: &[&str] = &[
    "proxy_on_downstream_connection_close",
    "proxy_on_downstream_data",
    "proxy_on_foreign_function",
    "proxy_on_grpc_close",
    "proxy_on_grpc_receive",
    "proxy_on_grpc_receive_initial_metadata",
    "proxy_on_grpc_receive_trailing_metadata",
    "proxy_on_log",
    "proxy_on_new_connection",
    "proxy_on_upstream_connection_close",
    "proxy_on_upstream_data",
];

/// Why a module is not one that can be linked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// Not Wasm at all.
    #[error("no Wasm module")]
    Invalid(#[from] BinaryReaderError),
    /// A section is longer than the file.
    #[error("the module is cut")]
    Cut,
    /// It was linked before, or the SDK or the filter has changed.
    #[error(
        "it does not export {0}: was it linked before? Otherwise bring the lists in filter/link/src/exports.rs up to date"
    )]
    Missing(&'static str),
}

/// The module with the exports that the host shall see.
pub(crate) fn link(module: &[u8]) -> Result<Vec<u8>, LinkError> {
    let mut linked = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::ExportSection(section) = payload {
            linked.section(&exports(section)?);
        } else if let Some((id, range)) = payload.as_section() {
            let data = bytes(module, range).ok_or(LinkError::Cut)?;
            linked.section(&RawSection { id, data });
        }
    }
    Ok(linked.finish())
}

fn bytes(module: &[u8], range: Range<u64>) -> Option<&[u8]> {
    module.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

fn exports(section: ExportSectionReader<'_>) -> Result<ExportSection, LinkError> {
    let all = section.into_iter().collect::<Result<Vec<_>, _>>()?;
    let index_of = |name: &'static str| {
        let of_name = all.iter().find(|export| export.name == name);
        of_name
            .map(|export| export.index)
            .ok_or(LinkError::Missing(name))
    };
    for name in REMOVED {
        index_of(name)?;
    }
    let mut replaced = Vec::new();
    for (name, by) in REPLACED {
        index_of(name)?;
        replaced.push((*name, index_of(by)?));
    }
    let mut section = ExportSection::new();
    for export in all.iter().filter(|export| is_exported(export)) {
        let by = replaced.iter().find(|(name, _)| *name == export.name);
        let index = by.map_or(export.index, |(_, index)| *index);
        section.export(export.name, kind(export.kind), index);
    }
    Ok(section)
}

fn is_exported(export: &Export<'_>) -> bool {
    !REMOVED.contains(&export.name) && REPLACED.iter().all(|(_, by)| *by != export.name)
}

fn kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{CodeSection, FunctionSection, TypeSection};

    use super::*;

    /// A module with a function for each of the names, in their order.
    fn module<'a>(names: impl Iterator<Item = &'a str>) -> Vec<u8> {
        let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut exports = ExportSection::new();
        for (index, name) in (0..).zip(names) {
            functions.function(0);
            exports.export(name, ExportKind::Func, index);
            code.function(&wasm_encoder::Function::new([]));
        }
        let mut module = Module::new();
        let sections = module.section(&types).section(&functions);
        sections.section(&exports).section(&code);
        module.finish()
    }

    fn all() -> Vec<&'static str> {
        let replaced = REPLACED.iter().flat_map(|(name, by)| [*name, *by]);
        replaced
            .chain(["malloc"])
            .chain(REMOVED.iter().copied())
            .collect()
    }

    fn exports_of(module: &[u8]) -> Vec<(String, u32)> {
        let payloads = Parser::new(0).parse_all(module).map(Result::unwrap);
        payloads
            .filter_map(|payload| match payload {
                Payload::ExportSection(section) => Some(section),
                _ => None,
            })
            .flatten()
            .map(|export| {
                export
                    .map(|export| (export.name.to_owned(), export.index))
                    .unwrap()
            })
            .collect()
    }

    #[test]
    fn a_callback_is_replaced_and_what_nobody_wants_is_gone() {
        let linked = link(&module(all().into_iter())).unwrap();
        let wanted = [("proxy_on_request_body", 1), ("malloc", 2)];
        assert_eq!(
            exports_of(&linked),
            wanted.map(|(name, index)| (name.to_owned(), index))
        );
    }

    #[test]
    fn no_other_byte_changes() {
        let before = module(all().into_iter());
        let after = link(&before).unwrap();
        let others = |module: &[u8]| {
            let mut sections = Vec::new();
            for payload in Parser::new(0).parse_all(module) {
                if let Some((id, range)) = payload.unwrap().as_section()
                    && id != 7
                {
                    sections.push((id, bytes(module, range).unwrap().to_vec()));
                }
            }
            sections
        };
        assert_eq!(others(&before), others(&after));
        assert_eq!(others(&before).len(), 3);
    }

    #[test]
    fn a_missing_export_is_named() {
        for missing in all().into_iter().filter(|name| *name != "malloc") {
            let names = all().into_iter().filter(|name| *name != missing);
            let error = link(&module(names)).unwrap_err();
            assert!(error.to_string().contains(missing), "{error}");
        }
    }

    #[test]
    fn a_module_that_was_linked_before_is_refused() {
        let linked = link(&module(all().into_iter())).unwrap();
        assert!(matches!(link(&linked), Err(LinkError::Missing(_))));
    }

    #[test]
    fn what_is_no_module_is_refused() {
        let whole = module(all().into_iter());
        for bytes in [b"no module".as_slice(), &whole[..whole.len() - 1], b""] {
            assert!(matches!(
                link(bytes),
                Err(LinkError::Invalid(_) | LinkError::Cut)
            ));
        }
    }
}
