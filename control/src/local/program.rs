//! Finds the programs that local mode stands on.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A part is missing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProgramError {
    #[error("there is no Envoy at {}: name one with --envoy PATH (`scripts/fetch-envoy` fetches one and prints its path)", .0.display())]
    EnvoyNotThere(PathBuf),
    #[error(
        "no `envoy` on PATH: name one with --envoy PATH (`scripts/fetch-envoy` fetches one and prints its path)"
    )]
    NoEnvoy,
    #[error(
        "no filter named: name it with --filter PATH (`scripts/build-filter` builds it and prints its path)"
    )]
    NoFilter,
    #[error("there is no filter at {}: name it with --filter PATH (`scripts/build-filter` builds it and prints its path)", .0.display())]
    FilterNotThere(PathBuf),
}

/// Envoy: the one that is named, else the first on `search_path` (`PATH`).
pub(super) fn envoy(
    named: Option<&Path>,
    search_path: Option<&OsStr>,
) -> Result<PathBuf, ProgramError> {
    match named {
        Some(named) if named.is_file() => named
            .canonicalize()
            .map_err(|_| ProgramError::EnvoyNotThere(named.to_owned())),
        Some(named) => Err(ProgramError::EnvoyNotThere(named.to_owned())),
        None => {
            let directories = search_path.map(std::env::split_paths).into_iter().flatten();
            let mut candidates = directories.map(|directory| directory.join("envoy"));
            candidates
                .find(|candidate| candidate.is_file())
                .ok_or(ProgramError::NoEnvoy)
        }
    }
}

/// The filter's module as it is named.
pub(super) fn filter(named: Option<&Path>) -> Result<&Path, ProgramError> {
    let named = named.ok_or(ProgramError::NoFilter)?;
    match named.is_file() {
        true => Ok(named),
        false => Err(ProgramError::FilterNotThere(named.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_envoy_on_the_path_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("envoy");
        std::fs::write(&program, "").unwrap();
        let path = std::env::join_paths([Path::new("/nonexistent"), directory.path()]).unwrap();
        assert_eq!(envoy(None, Some(&path)), Ok(program));
    }

    #[test]
    fn without_envoy_the_way_to_one_is_told() {
        let error = envoy(None, Some(OsStr::new("/nonexistent"))).unwrap_err();
        assert!(error.to_string().contains("scripts/fetch-envoy"), "{error}");
        let error = envoy(Some(Path::new("/nonexistent/envoy")), None).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/envoy"), "{error}");
    }

    #[test]
    fn without_the_filter_the_way_to_it_is_told() {
        for named in [None, Some(Path::new("/nonexistent")), Some(Path::new("/"))] {
            let error = filter(named).unwrap_err().to_string();
            assert!(error.contains("scripts/build-filter"), "{error}");
            assert!(named.is_none_or(|path| error.contains(path.to_str().unwrap())));
        }
    }
}
