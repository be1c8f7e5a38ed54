//! The program `mcp-control`.
fn main() {}
