use cel::IdedExpr as Expression;
use cel::common::ast::{Expr, operators};

use super::header::text;
use super::{Source, Unsupported};

/// The names in `auth.identity.a.b` or `auth.identity["a"]["b"]`, from the outermost claim inwards. `None` where the part
/// is something else, `auth.identity` alone for one.
pub(super) fn read(source: &Source, part: &Expression) -> Result<Option<Vec<String>>, Unsupported> {
    let names = names(source, part)?;
    Ok(names.filter(|names| !names.is_empty()))
}

/// The names of the claim that `has(auth.identity.a.b)` asks for.
pub(super) fn tested(
    source: &Source,
    part: &Expression,
) -> Result<Option<Vec<String>>, Unsupported> {
    match &part.expr {
        Expr::Select(select) if select.test => inner(source, &select.operand, &select.field),
        _ => Ok(None),
    }
}

fn names(source: &Source, part: &Expression) -> Result<Option<Vec<String>>, Unsupported> {
    match &part.expr {
        Expr::Select(select) if !select.test => {
            let is_auth = matches!(&select.operand.expr, Expr::Ident(name) if name == "auth");
            match is_auth && select.field == "identity" {
                true => Ok(Some(Vec::new())),
                false => inner(source, &select.operand, &select.field),
            }
        }
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [map, key] => match (names(source, map)?, text(key)) {
                (Some(_), None) => source.refuse(key, "the name of a claim must be a string"),
                (Some(outer), Some(name)) => Ok(Some(joined(outer, name))),
                (None, _) => Ok(None),
            },
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

fn inner(
    source: &Source,
    outer: &Expression,
    name: &str,
) -> Result<Option<Vec<String>>, Unsupported> {
    Ok(names(source, outer)?.map(|outer| joined(outer, name)))
}

fn joined(mut outer: Vec<String>, name: &str) -> Vec<String> {
    outer.push(name.to_owned());
    outer
}
