//! The agent's key: made at the first run, stored in the format of the older Node skill, and locked
//! while it is in use. A file that cannot be read is an error and is never changed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use p2p_core::PublicKey;
use p2p_ipc::{ErrorCode, RpcError, quoted};
use secp256k1::{Keypair, SECP256K1, SecretKey};
use serde::{Deserialize, Serialize};

use crate::random::random_bytes;

/// The content of the file: two fields of 64 hex digits.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IdentityFile {
    private_key_hex: String,
    public_key: String,
}

/// A key in use. While this value lives, no other daemon can use the same file.
pub struct Identity {
    /// The public key.
    pub public: PublicKey,
    secret: [u8; 32],
    /// True if this start made the key.
    pub is_new: bool,
    _lock: Flock<File>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("public", &self.public).finish_non_exhaustive()
    }
}

impl Identity {
    /// Opens the identity at `path`. Makes a new one if neither that file nor `store` exists, since
    /// a new key could not open the store.
    ///
    /// # Errors
    /// `identity` when the file is not an identity, is missing beside a store, or cannot be read or
    /// made; `already_running` when another process uses it.
    pub fn open(path: &Path, store: &Path) -> Result<Self, RpcError> {
        // The store is checked first: another first run makes its store after its identity.
        let store_exists = fs::symlink_metadata(store).is_ok();
        if fs::symlink_metadata(path).is_ok() {
            return Self::read(path, false);
        }
        if store_exists {
            return Err(missing(path, store));
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|e| unusable(path, &format!("cannot make its folder: {e}")))?;
        match make(path, folder) {
            Ok(()) => Self::read(path, true),
            // Another first run made the file meanwhile.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Self::read(path, false),
            Err(e) => Err(unusable(path, &format!("cannot make it: {e}"))),
        }
    }

    fn read(path: &Path, new: bool) -> Result<Self, RpcError> {
        let file = File::open(path).map_err(|e| unusable(path, &format!("cannot open it: {e}")))?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, e)| {
            let path = path.display();
            let message = match e {
                Errno::EWOULDBLOCK => format!("another daemon already uses the identity {path}"),
                e => format!("cannot lock {path}: {e}"),
            };
            RpcError::new(ErrorCode::AlreadyRunning, message).hint("p2p daemon status")
        })?;
        let mut text = String::new();
        (&*lock)
            .take(4096)
            .read_to_string(&mut text)
            .map_err(|e| unusable(path, &format!("cannot read it: {e}")))?;
        let (secret, public) = keys_of(&text).map_err(|why| unusable(path, &why))?;
        keep_private(path, &lock);
        Ok(Self { public, secret: secret.secret_bytes(), is_new: new, _lock: lock })
    }

    /// Returns the secret key.
    #[must_use]
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

/// Checks that the file at `path`, if it exists, is an identity. The file may be in use.
///
/// # Errors
/// `identity`, with the same message as from a daemon that opens the file.
pub fn check(path: &Path) -> Result<(), RpcError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(unusable(path, &format!("cannot read it: {e}"))),
    };
    keys_of(&text).map(|_| ()).map_err(|why| unusable(path, &why))
}

/// Returns the keys in the text of an identity file, or the reason why it is not valid.
fn keys_of(text: &str) -> Result<(SecretKey, PublicKey), String> {
    let file: IdentityFile =
        serde_json::from_str(text).map_err(|e| format!("it is not an identity: {e}"))?;
    let secret: SecretKey = file
        .private_key_hex
        .parse()
        .map_err(|_| "privateKeyHex is not a key of 64 hex digits".to_string())?;
    let public = public_of(&secret);
    if file.public_key.parse() != Ok(public) {
        return Err("publicKey does not belong to privateKeyHex".into());
    }
    Ok((secret, public))
}

/// Makes a key file private that others could read, and logs that it was not.
fn keep_private(path: &Path, file: &File) {
    let Ok(metadata) = file.metadata() else { return };
    if metadata.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the identity was readable by others; now 0600");
        let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
    }
}

/// Makes a new identity. The final name appears only once the whole file is written, so that a
/// killed process leaves no partial key. An existing identity is never overwritten.
fn make(path: &Path, folder: &Path) -> io::Result<()> {
    let part = folder.join(format!(".p2p-identity.{}.part", std::process::id()));
    let _ = fs::remove_file(&part);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    let made = write_new(&mut file).and_then(|()| fs::hard_link(&part, path));
    fs::remove_file(&part)?;
    made?;
    File::open(folder)?.sync_all()
}

fn write_new(file: &mut File) -> io::Result<()> {
    let secret = loop {
        // Random bytes are not a valid key once in 2^128 draws.
        if let Ok(secret) = SecretKey::from_slice(&random_bytes::<32>()) {
            break secret;
        }
    };
    let content = IdentityFile {
        private_key_hex: secret.display_secret().to_string(),
        public_key: public_of(&secret).to_string(),
    };
    file.write_all(serde_json::to_string_pretty(&content)?.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn public_of(secret: &SecretKey) -> PublicKey {
    PublicKey(Keypair::from_secret_key(SECP256K1, secret).x_only_public_key().0.serialize())
}

fn unusable(path: &Path, why: &str) -> RpcError {
    let message = format!(
        "the identity {} cannot be used: {why}; it was left as it is. Put a backup in its place \
         (p2p identity backup makes one), or move it away to begin as a new agent",
        path.display()
    );
    let mut away = path.as_os_str().to_owned();
    away.push(".damaged");
    let (here, away) = (quoted(path), quoted(Path::new(&away)));
    RpcError::new(ErrorCode::Identity, message).hint(format!("cp BACKUP {here}\nmv {here} {away}"))
}

fn missing(path: &Path, store: &Path) -> RpcError {
    let message = format!(
        "the identity {} is missing, and {} opens with its key alone; nothing was written. Put a \
         backup of the identity in its place, or move the store away to begin as a new agent",
        path.display(),
        store.display()
    );
    let aside = crate::hints::move_store_away(store);
    RpcError::new(ErrorCode::Identity, message)
        .hint(format!("cp BACKUP {} or {aside}", quoted(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Result<Identity, RpcError> {
        Identity::open(path, &path.with_extension("db"))
    }

    #[test]
    fn no_new_key_is_made_while_a_store_exists() {
        let dir = tempfile::tempdir().unwrap();
        let (path, store) = (dir.path().join("p2p-identity.json"), dir.path().join("p2p.db"));
        fs::write(&store, "sealed").unwrap();
        let error = Identity::open(&path, &store).unwrap_err();
        assert_eq!((error.code, error.retryable), (ErrorCode::Identity, false));
        for told in [&path, &store] {
            assert!(error.message.contains(told.to_str().unwrap()), "{}", error.message);
        }
        let files = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, 1, "nothing is written");
        fs::remove_file(&store).unwrap();
        assert!(Identity::open(&path, &store).unwrap().is_new);
    }

    #[test]
    fn a_new_identity_is_private_and_the_same_when_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/p2p-identity.json");
        let first = open(&path).unwrap();
        assert!(first.is_new);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(open(&path).unwrap_err().code, ErrorCode::AlreadyRunning);
        let key = first.public;
        drop(first);
        let again = open(&path).unwrap();
        assert_eq!((again.public, again.is_new), (key, false));
    }

    #[test]
    fn a_partial_file_of_a_killed_first_run_is_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p2p-identity.json");
        let part = dir.path().join(format!(".p2p-identity.{}.part", std::process::id()));
        fs::write(&part, "{\"privateKeyHex\":").unwrap();
        assert!(open(&path).unwrap().is_new);
        assert!(!part.exists());
    }

    #[test]
    fn the_format_of_the_older_skill_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("id.json");
        // BIP-340's first test vector with a secret key of 3.
        let secret = format!("{:064x}", 3);
        let public = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
        fs::write(&path, format!("{{\"privateKeyHex\":\"{secret}\",\"publicKey\":\"{public}\"}}"))
            .unwrap();
        assert_eq!(open(&path).unwrap().public.to_string(), public);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_is_not_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("id.json");
        let zero = "0".repeat(64);
        for text in
            ["", "{", "{}", &format!("{{\"privateKeyHex\":\"{zero}\",\"publicKey\":\"{zero}\"}}")]
        {
            fs::write(&path, text).unwrap();
            let error = open(&path).unwrap_err();
            assert_eq!(error.code, ErrorCode::Identity);
            assert_eq!(check(&path).unwrap_err(), error);
            assert!(error.hint.is_some());
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
