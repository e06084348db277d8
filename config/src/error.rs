//! Errors of the configuration.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read, or a key in it is unknown or has a wrong value.
    #[error("{}: {problem}", path.display())]
    File {
        /// The configuration file.
        path: PathBuf,
        /// The problem, with the line or the key.
        problem: String,
    },
    /// An environment variable has a wrong value.
    #[error("{name}: {problem}")]
    Variable {
        /// The variable.
        name: String,
        /// The problem.
        problem: String,
    },
}

impl ConfigError {
    /// Returns the error for a wrong value of a key in the file, or of the `P2P_*` variable that
    /// overrides the key.
    #[must_use]
    pub fn wrong_value(path: &Path, key: &str, problem: &str) -> Self {
        if key.starts_with("P2P_") {
            Self::Variable { name: key.into(), problem: problem.into() }
        } else {
            Self::in_file(path, &format!("{key}: {problem}"))
        }
    }

    pub(crate) fn in_file(path: &Path, problem: &str) -> Self {
        Self::File { path: path.into(), problem: problem.trim_end().into() }
    }

    /// Returns the error for text that is not TOML of our schema. The line itself is not quoted:
    /// it may hold a secret.
    pub(crate) fn at_line(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count() + 1);
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        Self::in_file(path, &(place + error.message()))
    }
}

/// A value outside of its allowed range or form.
pub(crate) struct WrongValue {
    /// The key in the file, or the variable that overrides it.
    pub key: &'static str,
    pub problem: String,
}

impl WrongValue {
    pub fn new(key: &'static str, problem: impl Into<String>) -> Self {
        Self { key, problem: problem.into() }
    }
}

/// Checks that a number lies within its range.
pub(crate) fn within(
    key: &'static str,
    value: u64,
    range: RangeInclusive<u64>,
) -> Result<(), WrongValue> {
    if range.contains(&value) {
        return Ok(());
    }
    let problem = format!("{value} is not within {} to {}", range.start(), range.end());
    Err(WrongValue::new(key, problem))
}
