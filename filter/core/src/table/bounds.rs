//! Which numbers a configuration may have.

use std::ops::RangeInclusive;

use mcp_filter_config::{Limits, PluginConfig, Timeouts};

use super::error::{CompileError, ensure};
use crate::catalog::LARGEST_CATALOG;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const YEAR_SECONDS: u64 = 365 * 24 * 60 * 60;
const MIB: u32 = 1024 * 1024;

/// Refuses numbers that could only be mistakes, or that would take the bounds away.
pub(super) fn check(config: &PluginConfig) -> Result<(), CompileError> {
    check_limits(&config.limits)?;
    in_range(
        "sessions.ttlSeconds",
        config.sessions.ttl_seconds,
        1..=YEAR_SECONDS,
    )?;
    config
        .servers
        .iter()
        .enumerate()
        .try_for_each(|(index, server)| check_timeouts(&server.timeouts, index))
}

fn check_limits(limits: &Limits) -> Result<(), CompileError> {
    let each: [(&str, u32, RangeInclusive<u64>); 9] = [
        ("replayBytes", limits.replay_bytes, 0..=u64::from(16 * MIB)),
        (
            "checkedResponseBytes",
            limits.checked_response_bytes,
            0..=u64::from(16 * MIB),
        ),
        ("idBytes", limits.id_bytes, 64..=u64::from(MIB)),
        ("pageItems", limits.page_items, 1..=100_000),
        ("pageBytes", limits.page_bytes, 1..=LARGEST_CATALOG),
        ("sessionSlots", limits.session_slots, 8..=u64::from(MIB)),
        ("endedSlots", limits.ended_slots, 8..=u64::from(MIB)),
        ("sideCallMs", limits.side_call_ms, 1..=60_000),
        ("cancelGraceMs", limits.cancel_grace_ms, 0..=DAY_MS),
    ];
    each.into_iter().try_for_each(|(name, value, range)| {
        in_range(&format!("limits.{name}"), value.into(), range)
    })
}

fn check_timeouts(timeouts: &Timeouts, server: usize) -> Result<(), CompileError> {
    for (name, value) in [
        ("firstByteMs", timeouts.first_byte_ms),
        ("idleMs", timeouts.idle_ms),
    ] {
        in_range(
            &format!("servers[{server}].timeouts.{name}"),
            value,
            1..=DAY_MS,
        )?;
    }
    Ok(())
}

fn in_range(at: &str, value: u64, range: RangeInclusive<u64>) -> Result<(), CompileError> {
    ensure(
        range.contains(&value),
        at,
        format_args!("must be from {} to {}", range.start(), range.end()),
    )
}
