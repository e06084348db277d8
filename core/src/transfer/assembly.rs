//! Assembly of a received file from its pieces, by a worker beside the engine.

use core::fmt;

use sha2::{Digest, Sha256 as Hasher};

use crate::ids::{Sha256, StreamId};
use crate::text::Text;

/// A file of which every piece is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembly {
    /// The file's handle.
    pub file: u32,
    /// The stream that the pieces arrived in, numbered from 1.
    pub stream: StreamId,
    /// The number of pieces.
    pub pieces: u64,
    /// The file's safe name.
    pub name: Text,
    /// The size in bytes that the offer promised.
    pub size: u64,
    /// The hash that the offer promised.
    pub sha256: Sha256,
}

/// The reason why a file was not assembled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssemblyFault {
    /// The pieces are not the file that was offered.
    Mismatch,
    /// The pieces could not be read, or the file could not be written.
    Local(Text),
}

impl fmt::Display for AssemblyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch => f.write_str("what arrived does not match its size and SHA-256"),
            Self::Local(cause) => f.write_str(cause),
        }
    }
}

/// The check of a file against its size and hash, one piece at a time.
#[derive(Debug)]
pub struct ContentCheck {
    hash: Hasher,
    left: u64,
    sha256: Sha256,
}

impl ContentCheck {
    /// Returns the check of a file that has not begun.
    #[must_use]
    pub fn new(size: u64, sha256: Sha256) -> Self {
        Self { hash: Hasher::new(), left: size, sha256 }
    }

    /// Counts the next piece.
    ///
    /// # Errors
    /// The file is longer than promised.
    pub fn add(&mut self, piece: &[u8]) -> Result<(), AssemblyFault> {
        self.left = self.left.checked_sub(piece.len() as u64).ok_or(AssemblyFault::Mismatch)?;
        self.hash.update(piece);
        Ok(())
    }

    /// Ends the check after the last piece.
    ///
    /// # Errors
    /// The file is shorter than promised, or has another hash.
    pub fn finish(self) -> Result<(), AssemblyFault> {
        let same = self.left == 0 && self.hash.finalize()[..] == self.sha256.0;
        if same { Ok(()) } else { Err(AssemblyFault::Mismatch) }
    }
}
