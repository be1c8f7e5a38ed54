//! What of a configuration is too much for one object of Kubernetes.

use mcp_filter_config::{PluginConfig, Role};
use mcp_filter_core::table::CompileError;
use serde::Serialize;

use super::assembly::Assembly;
use super::for_role;
use super::packing::Packing;
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// The largest configuration that goes into one object, as [`pushed_bytes`] counts. etcd takes requests of 1.5 MiB; the
/// rest is for metadata, managed fields and what others write into the object.
pub const LARGEST_OBJECT_BYTES: usize = 1_400_000;

/// What an apiserver writes for one character that it writes as a number, beside the character's own byte.
const ESCAPE_BYTES: usize = 5;

/// Bytes that `config` takes in etcd, in whichever of the objects that may have it takes the most. A WasmPlugin has it as
/// JSON; an EnvoyFilter as a text of JSON, which is never smaller.
pub fn pushed_bytes(config: &PluginConfig) -> usize {
    stored_bytes(&for_role(config, Role::Route))
}

/// Bytes of compact JSON that stands in a text of JSON, as Go writes that: quotation marks and backslashes are escaped once
/// more, and `<`, `>` and `&` are written as numbers.
fn stored_bytes(value: &impl Serialize) -> usize {
    // Strings, numbers and lists alone: cannot fail.
    let json = serde_json::to_vec(value).unwrap_or_default();
    let more = json.iter().map(|byte| match byte {
        b'"' | b'\\' => 1,
        b'<' | b'>' | b'&' => ESCAPE_BYTES,
        _ => 0,
    });
    json.len() + more.sum::<usize>()
}

/// Whom `config` has to do without to fit. Nobody where it does.
///
/// # Errors
/// Where it does not fit without any server either.
pub(super) fn refusals(
    assembly: &Assembly<'_>,
    config: &PluginConfig,
    packing: &mut Packing,
) -> Result<Vec<(ObjectName, Fault)>, CompileError> {
    let largest = packing.largest();
    let whole = pushed_bytes(config);
    if whole <= largest {
        return Ok(Vec::new());
    }
    let costs = costs(assembly, config, packing);
    let mut used = whole.saturating_sub(costs.iter().sum());
    if used > largest {
        return Err(CompileError {
            path: "policies".to_owned(),
            reason: format!(
                "with all else but servers they take {}, and one object takes {}: serve fewer policies at this gateway",
                kilobytes(used),
                kilobytes(largest)
            ),
        });
    }
    let mut refusals = Vec::new();
    for (name, cost) in assembly.names().zip(costs) {
        if used + cost <= largest {
            used += cost;
        } else {
            refusals.push((name.clone(), fault(cost, used, largest)));
        }
    }
    Ok(refusals)
}

/// Bytes that each server takes, in their order. What all take together is exact, or a little more.
fn costs(assembly: &Assembly<'_>, config: &PluginConfig, packing: &mut Packing) -> Vec<usize> {
    let catalog = config
        .catalog
        .as_ref()
        .map_or(0, |catalog| catalog.data.len());
    let weights = packing.weights(assembly);
    let all = weights.values().sum::<u64>().max(1);
    let servers = (0_u32..).zip(&config.servers);
    let cost = |(place, server)| {
        let weight = weights.get(&place).copied().unwrap_or_default();
        let share = u128::from(weight) * catalog as u128;
        let definitions = usize::try_from(share.div_ceil(all.into())).unwrap_or(usize::MAX);
        // And a comma.
        stored_bytes(server) + 1 + definitions
    };
    servers.map(cost).collect()
}

fn fault(cost: usize, used: usize, largest: usize) -> Fault {
    let [cost, used, largest] = [cost, used, largest].map(kilobytes);
    let message = format!(
        "its server takes {cost} of the gateway's configuration, packed; one object holds {largest}, of which {used} are \
         taken by older registrations and policies: attach its route to another gateway, or have the server offer fewer \
         tools or shorter descriptions"
    );
    Fault::new(Reason::CatalogTooLarge, message)
}

fn kilobytes(bytes: usize) -> String {
    format!("{} kB", bytes.div_ceil(1000))
}
