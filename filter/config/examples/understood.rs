//! Prints what the filter's image says of itself: the version of configurations that the filter reads and, on a line of its
//! own, which names in `requires` it knows, with commas between them.

use mcp_filter_config::{KNOWN_REQUIREMENTS, VERSION};

fn main() {
    println!("{VERSION}");
    println!("{}", KNOWN_REQUIREMENTS.join(","));
}
