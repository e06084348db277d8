//! `sendfile`, `files`, `files get`.

use serde::{Deserialize, Serialize};

use crate::view::FileView;

/// Sends a file in a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendFileParams {
    /// The call; may be left out when it is clear.
    pub call: Option<String>,
    /// The name that the peer sees; directories are cut off.
    pub name: String,
    /// The bytes in standard Base64: at most 256 KiB before encoding.
    pub base64: String,
}

/// Lists files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FilesParams {
    /// Only files of this call.
    pub call: Option<String>,
}

/// The answer to [`FilesParams`], newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FilesResult {
    /// The files.
    pub files: Vec<FileView>,
}

/// Fetches a received file's bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FetchFileParams {
    /// `f3`.
    pub file: String,
}

/// The answer to [`FetchFileParams`]: the hash was checked again just now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FetchFileResult {
    /// The file.
    pub file: FileView,
    /// The bytes in standard Base64.
    pub base64: String,
}
