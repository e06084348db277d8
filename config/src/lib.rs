//! The configuration file: its schema, its defaults, and what the environment overrides.
//!
//! An unknown key is an error that names file and line, so that a typo never passes for a setting.
//! This crate knows nothing of the rest of the workspace: the daemon turns a [`Config`] into the
//! settings of its parts.

mod error;
mod file;
mod limits;
mod notifiers;
mod relays;
mod retired;

pub use self::error::ConfigError;
pub use self::file::{Config, Policy, PresenceMode};
pub use self::limits::{Limits, Retention};
pub use self::notifiers::{Desktop, HookEvent, Hooks, Notifiers, Openclaw, Secret, Webhook};
pub use self::relays::{RelayEntry, RelayRole, defaults, parse};
