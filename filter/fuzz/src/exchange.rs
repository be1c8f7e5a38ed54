//! One gateway and what clients and servers may send it, in any order that a host can have.

mod gateway;
mod script;

use script::{Command, commands};

use gateway::{Gateway, Outcome};

/// A script of [`commands`]: every answer is well-formed, and a request comes to the same end in any cut.
pub fn exchange(bytes: &[u8]) {
    if bytes.len() > 64 * 1024 {
        return;
    }
    let commands = commands(bytes);
    let whole = run(&commands, usize::MAX);
    for longest in [1, 7] {
        assert_eq!(run(&commands, longest), whole);
    }
}

/// What becomes of the requests of a script, up to the first response of a server: from there on, what has begun to
/// pass depends on the cut. Bodies come in pieces of `longest` bytes.
fn run(commands: &[Command<'_>], longest: usize) -> Vec<Outcome> {
    let mut gateway = Gateway::new(longest);
    for command in commands {
        gateway.obey(command);
    }
    gateway.finish()
}
