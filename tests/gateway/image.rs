//! The image of control, as a node gets it. Level `apiserver` runs its program.

use std::fs;

use harness::component;
use harness::image::Image;
use harness::process::command;
use serde_json::{Value, json};

/// `p_type` of the program header that names a loader (ELF-64 Object File Format, "Program header table").
const PT_INTERP: u32 = 3;

tests! {
    async fn the_image_of_control_holds_a_program_that_needs_nothing_beside_it() {
        let program = component::control_of_image();
        assert!(!headers(&fs::read(&program).unwrap()).contains(&PT_INTERP), "it wants a loader");
        let output = command(&program).arg("--version").env_clear().output().await.unwrap();
        let version = concat!("mcp-control ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), version);
    }

    async fn the_image_of_control_says_what_it_is_and_that_it_needs_no_root() {
        let config = Image::open(component::image("mcp-control")).config();
        assert_eq!(config["User"], "65532:65532");
        assert_eq!(config["Entrypoint"], json!(["/mcp-control"]));
        let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].clone();
        assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(label("licenses"), "Apache-2.0");
        assert_ne!(label("title"), Value::Null);
    }
}

/// The types of all program headers.
fn headers(elf: &[u8]) -> Vec<u32> {
    let word = |at: usize| u32::from_le_bytes(elf[at..at + 4].try_into().unwrap());
    let half = |at: usize| usize::from(u16::from_le_bytes(elf[at..at + 2].try_into().unwrap()));
    assert_eq!(&elf[..5], b"\x7fELF\x02", "64 bits");
    let table = usize::try_from(word(0x20)).unwrap();
    (0..half(0x38))
        .map(|entry| word(table + entry * half(0x36)))
        .collect()
}
