//! Starting the daemon by systemd. Scripts that record their arguments stand in for `systemctl` and
//! `systemd-run`.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use p2p_ipc::ErrorCode;
use p2p_tests::{Agent, Output, Relay, Running, binary, send_signal};

/// Starts what `systemd-run` is told to, with the variables and the log that it is told.
const RUNS: &str = r#"
for word; do
    case $word in
        --setenv=*) export "${word#--setenv=}" ;;
        --property=StandardError=append:*) log=${word#--property=StandardError=append:} ;;
        -*) ;;
        *) break ;;
    esac
    shift
done
"$@" </dev/null >/dev/null 2>>"$log" &
"#;

/// An agent on a machine with a bus of the user's, and these programs of systemd's.
fn with_systemd(agent: Agent, systemctl: &str, systemd_run: &str) -> Agent {
    let bin = agent.work().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("bus"), "").unwrap();
    for (name, script) in [("systemctl", systemctl), ("systemd-run", systemd_run)] {
        let path = bin.join(name);
        let asked = bin.join("asked").display().to_string();
        let text = format!("#!/bin/sh\necho \"{name} $*\" >> {asked}\n{script}\n");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    agent.with("PATH", &path).with("XDG_RUNTIME_DIR", bin.to_str().unwrap())
}

/// Returns the calls to systemd.
fn asked(agent: &Agent) -> String {
    fs::read_to_string(agent.work().join("bin/asked")).unwrap_or_default()
}

#[test]
fn another_home_gets_a_transient_unit() {
    let relay = Relay::start();
    let agent = with_systemd(Agent::new("alice", &[relay.url()]), "exit 1", RUNS);
    assert_eq!(agent.json(&["status"])["daemon"]["start_mode"], "transient");
    let asked = asked(&agent);
    let home = format!("--setenv=P2P_HOME={}", agent.home().display());
    for told in ["systemd-run --user --quiet --collect ", " --unit=p2p-", &home, " daemon run "] {
        assert!(asked.contains(told), "{told}: {asked}");
    }
    assert!(!asked.contains("systemctl"), "an installed unit has another home: {asked}");
    assert!(agent.run(&[]).stdout.contains("autostarted by systemd-run"));
    // Why it cannot start is said as well as by a daemon that is a child.
    agent.json(&["daemon", "stop"]);
    let agent = agent.configured("rings = 7\n");
    assert_eq!(agent.fails(2, &["status"]).code, ErrorCode::Config);
}

#[test]
fn without_a_working_systemd_the_daemon_is_a_process() {
    let relay = Relay::start();
    for broken in ["exit 1", "exec sleep 600", "exit 0"] {
        let agent = with_systemd(Agent::new("alice", &[relay.url()]), "exit 1", broken);
        assert_eq!(agent.json(&["status"])["daemon"]["start_mode"], "autostarted", "{broken}");
        assert!(asked(&agent).contains("systemd-run"));
    }
    // Without a bus it is not asked.
    let agent = with_systemd(Agent::new("alice", &[relay.url()]), "exit 1", RUNS);
    let agent = agent.with("XDG_RUNTIME_DIR", "/nowhere");
    assert_eq!(agent.json(&["status"])["daemon"]["start_mode"], "autostarted");
    assert_eq!(asked(&agent), "");
}

#[test]
fn an_installed_unit_serves_the_default_home() {
    let relay = Relay::start();
    let start = format!(
        "[ $2 = cat ] || sh -c 'exec env SYSTEMD_EXEC_PID=$$ {} daemon run 2>/dev/null' &",
        binary().display()
    );
    let agent = Agent::new("", &[]).with("P2P_RELAYS", "");
    let agent = with_systemd(agent, &start, "exit 1");
    let home: PathBuf = agent.work();
    let config = home.join(".config/p2p/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let relays =
        format!("[[relay]]\nurl = \"{}\"\nroles = [\"presence\", \"inbox\"]\n", relay.url());
    fs::write(&config, relays).unwrap();
    let p2p = |args: &[&str]| -> Output {
        let mut command = agent.command(binary());
        command.args(args).arg("--json").env("HOME", &home).env_remove("P2P_HOME");
        Running::start(format!("p2p {}", args.join(" ")), &mut command, "").end()
    };
    let path = p2p(&["daemon", "install"]).result(0)["path"].as_str().unwrap().to_owned();
    let unit = fs::read_to_string(path).unwrap();
    assert!(unit.contains(&format!("ExecStart=\"{}\" daemon run\n", binary().display())), "{unit}");
    assert_eq!(p2p(&["daemon", "install"]).failure(2).0.code, ErrorCode::LocalFile);
    assert_eq!(agent.fails(2, &["daemon", "install"]).code, ErrorCode::Usage);
    let status = p2p(&["status"]);
    let stopped = p2p(&["daemon", "stop"]);
    let status = status.result(0);
    let pid = u32::try_from(status["daemon"]["pid"].as_u64().unwrap()).unwrap();
    send_signal(pid, Signal::SIGKILL);
    drop(stopped.result(0));
    assert_eq!(status["daemon"]["start_mode"], "service");
    let asked = asked(&agent);
    assert_eq!(asked, "systemctl --user cat p2p.service\nsystemctl --user start p2p.service\n");
}
