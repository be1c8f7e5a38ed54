//! The documents of the project, whose commands tests run.

use std::fs;

use crate::component;

/// How a command is marked that no test runs.
pub const NOT_RUN: &str = "# not run";

/// The command lines in blocks of a document that name no language, from a heading to the next of its rank.
pub fn commands(document: &str, heading: &str) -> Vec<String> {
    let text = fs::read_to_string(component::file("..").join(document)).unwrap();
    let rank = heading.split(' ').next().unwrap();
    let lines = text.lines().skip_while(|line| *line != heading);
    let section: Vec<_> = lines
        .skip(1)
        .take_while(|line| !line.starts_with(&format!("{rank} ")))
        .collect();
    let section = section.join("\n");
    let blocks = section.split("```").skip(1).step_by(2);
    let commands = blocks.filter_map(|block| block.strip_prefix('\n'));
    commands.flat_map(str::lines).map(str::to_owned).collect()
}

/// The headings of a document's sections.
pub fn headings(document: &str) -> Vec<String> {
    let text = fs::read_to_string(component::file("..").join(document)).unwrap();
    let headings = text.lines().filter(|line| line.starts_with("## "));
    headings.map(str::to_owned).collect()
}

/// The first block of a language in a section of a document.
pub fn block(document: &str, heading: &str, language: &str) -> String {
    let text = fs::read_to_string(component::file("..").join(document)).unwrap();
    let (_, section) = text.split_once(heading).expect("the section");
    let (_, block) = section
        .split_once(&format!("```{language}\n"))
        .expect("a block of the language");
    block.split("```").next().unwrap().to_owned()
}
