//! Ties a child's life to ours. Linux can signal a process when its parent ends, but the process must ask for that
//! itself, so the child is started as this program first, asks, and then becomes the program that was meant.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// The hidden subcommand.
pub const COMMAND: &str = "leash";

/// The arguments with which `parent` starts this program so that it becomes the program named after them.
pub fn arguments(parent: u32) -> [OsString; 3] {
    [COMMAND.into(), parent.to_string().into(), "--".into()]
}

/// Becomes the program that `command` names, with its arguments, which will be killed when `parent`, who started us,
/// ends. Returns only when that fails.
pub fn become_program(parent: u32, command: &[OsString]) -> io::Error {
    let Some((program, arguments)) = command.split_first() else {
        return io::ErrorKind::InvalidInput.into();
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    let now = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    if now != Some(parent) {
        return io::Error::other("the process that was to be followed has ended");
    }
    Command::new(program).args(arguments).exec()
}
