//! The first steps of a daemon that a front end started, before there is any thread: it leaves the
//! session of the tool that ran the front end, and closes every descriptor that it inherited.

use std::ffi::OsString;
use std::os::fd::RawFd;

use nix::unistd::{close, setsid};

/// The argument that marks a daemon started by a front end.
pub const FLAG: &str = "--detached";

/// Returns true for the arguments of [`crate::autostart`].
#[must_use]
pub fn is_asked_for(args: &[OsString]) -> bool {
    args.get(1..).is_some_and(|rest| rest == ["daemon", "run", FLAG])
}

/// Detaches the process. Both steps may fail without harm: it may lead a session already, and a
/// descriptor may be gone.
pub fn detach() {
    let _ = setsid();
    // Collected first: the list itself is read through one of the descriptors.
    let open: Vec<RawFd> = std::fs::read_dir("/dev/fd")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for fd in open {
        let _ = close(fd);
    }
}
