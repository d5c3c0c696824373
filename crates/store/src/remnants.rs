//! Looks for pieces of what was destroyed in every file of a data directory. Tests only.

use std::fs;
use std::path::{Path, PathBuf};

/// Of these values, how many have a piece of 24 bytes in some file.
pub(crate) fn remnants(dir: &Path, sealed: &[Vec<u8>]) -> usize {
    let piece = |value: &&Vec<u8>| files_holding(dir, &value[value.len() - 24..]) > 0;
    sealed.iter().filter(piece).count()
}

/// How many files below a folder hold these bytes.
pub(crate) fn files_holding(folder: &Path, bytes: &[u8]) -> usize {
    holding(folder, bytes).len()
}

/// Which files below a folder hold these bytes.
pub(crate) fn holding(folder: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap().flatten() {
        let path = file.path();
        if path.is_dir() {
            found.extend(holding(&path, bytes));
        } else if fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes) {
            found.push(path);
        }
    }
    found
}
