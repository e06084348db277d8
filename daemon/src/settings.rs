//! Turns the configuration into the settings of the daemon's parts.

use std::path::Path;

use p2p_config::{Config, ConfigError, RelayEntry, RelayRole};
use p2p_core::policy::{self, is_format};
use p2p_ipc::{ErrorCode, RpcError};
use p2p_relays::{RelaySpec, Roles};

/// Reads the configuration file and the environment.
///
/// # Errors
/// `config`, with the file and line or the variable.
pub(crate) fn read(path: &Path) -> Result<Config, RpcError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let config = Config::read(path, variable).map_err(explain)?;
    for key in &config.retired {
        tracing::warn!("{}: {key} no longer exists and is ignored", path.display());
    }
    match &config.name {
        Some(name) if name.chars().any(is_format) => {
            let problem = format!("{name:?} holds an invisible character");
            Err(wrong_value(path, config.name_key, &problem))
        }
        _ => Ok(config),
    }
}

/// Returns the error for a wrong value of a key, or of the variable that overrides the key.
pub(crate) fn wrong_value(path: &Path, key: &str, problem: &str) -> RpcError {
    explain(ConfigError::wrong_value(path, key, problem))
}

fn explain(error: ConfigError) -> RpcError {
    let hint = match &error {
        ConfigError::File { path, .. } => format!("cat -n {}", p2p_ipc::quoted(path)),
        ConfigError::Variable { name, .. } => format!("unset {name}"),
    };
    RpcError::new(ErrorCode::Config, error.to_string()).hint(hint)
}

/// Returns the engine's settings.
pub(crate) fn engine(config: &Config, name: &str) -> policy::Settings {
    policy::Settings {
        name: name.to_owned(),
        policy: policy(config.policy),
        calls: config.max_calls,
        ring: config.ring,
        disclose_read: config.disclose_read,
        disclose_ring: !config.invisible,
        sends: config.limits.sends_per_minute,
        receives: config.limits.receives_per_minute,
        turns: config.limits.turns_per_hour,
        receive_bytes: config.limits.receive_kib_per_hour.saturating_mul(1024),
        ..policy::Settings::default()
    }
}

/// Returns the policy for strangers as the engine names it.
pub(crate) fn policy(policy: p2p_config::Policy) -> policy::Policy {
    match policy {
        p2p_config::Policy::Ask => policy::Policy::Ask,
        p2p_config::Policy::AllowList => policy::Policy::AllowList,
        p2p_config::Policy::Open => policy::Policy::Open,
        p2p_config::Policy::Closed => policy::Policy::Closed,
    }
}

/// Returns the relays with their roles.
pub(crate) fn relays(config: &Config) -> Vec<RelaySpec> {
    let spec = |entry: &RelayEntry| RelaySpec {
        url: entry.url.clone(),
        roles: Roles {
            presence: entry.roles.contains(&RelayRole::Presence),
            inbox: entry.roles.contains(&RelayRole::Inbox),
            index: entry.roles.contains(&RelayRole::Index),
        },
    };
    config.relays.iter().map(spec).collect()
}

/// Returns what is wrong with a file that can be used nevertheless, and how to mend it.
pub(crate) fn warning(config: &Config, path: &Path) -> Option<String> {
    config
        .is_exposed
        .then(|| format!("others can read its secret: chmod 600 {}", p2p_ipc::quoted(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_config_gives_the_engines_defaults() {
        let config = Config::read(Path::new("/nonexistent/config.toml"), |_| None).unwrap();
        let default = policy::Settings { name: "alice".into(), ..policy::Settings::default() };
        assert_eq!(format!("{:?}", engine(&config, "alice")), format!("{default:?}"));
        assert!(relays(&config).iter().any(|relay| relay.roles.inbox));
    }
}
