//! Starting the daemon from a verb in an agent's shell tool: the tool kills the process group and
//! waits for every inherited descriptor. Also reasons why a daemon does not start, or is the wrong
//! one.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use p2p_ipc::ErrorCode;
use p2p_tests::{
    Agent, Relay, Running, binary, eventually, is_alive, living_in, send_signal, until,
};

/// Runs `p2p` as a tool does: in a process group of its own, with descriptors of the tool's that
/// the shell passes on, and with variables that are nobody else's business.
fn by_tool(agent: &Agent, args: &[&str]) -> Running {
    let mut shell = agent.command("/bin/sh");
    // 7, 8 and 9 are what a tool's stderr, stdin and stdout are: whoever keeps one is noticed.
    shell
        .args(["-c", "exec 7>&2 8<&0 9>&1; \"$@\"", "sh"])
        .arg(binary())
        .args(args)
        .env("AWS_SECRET_ACCESS_KEY", "hunter2")
        .env("XDG_RUNTIME_DIR", "/nowhere")
        .env("P2P_READER", "tool")
        .env("LC_ALL", "C.UTF-8")
        .process_group(0);
    Running::start(format!("p2p {} (by a tool)", args.join(" ")), &mut shell, "")
}

fn kill_group(running: &Running) {
    let _ = killpg(Pid::from_raw(i32::try_from(running.pid()).unwrap()), Signal::SIGKILL);
}

/// The pipes among a process's descriptors.
fn pipes(pid: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let targets = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    targets.map(|to| to.display().to_string()).filter(|to| to.starts_with("pipe:")).collect()
}

/// The daemon in an agent's home: of what lives there, the one that serves.
fn daemons(home: &Path) -> Vec<u32> {
    let serves = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("\0daemon\0run")
    };
    living_in(home).into_iter().filter(serves).collect()
}

#[test]
fn a_shell_tool_gets_its_output_and_the_daemon_outlives_it() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    let typed = by_tool(&agent, &["status", "--json"]);
    let group = typed.pid();
    // This ends when stdout and stderr are closed. A daemon that held either would run into the
    // deadline of the command.
    let status = typed.end().result(0);
    assert_eq!(status["daemon"]["start_mode"], "autostarted");
    let pid = u32::try_from(status["daemon"]["pid"].as_u64().unwrap()).unwrap();
    let _ = killpg(Pid::from_raw(i32::try_from(group).unwrap()), Signal::SIGKILL);
    assert!(is_alive(pid));
    assert_eq!(agent.daemon_pid(), pid, "the same daemon serves the next verb");
}

#[test]
fn a_daemon_inherits_nothing_from_the_tool_that_started_it() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    let typed = by_tool(&agent, &["wait", "--wait", "60"]);
    let pid = eventually("a daemon serves", || {
        let up = agent.run(&["daemon", "status", "--json"]);
        if up.code == Some(0) { daemons(&agent.home()).first().copied() } else { None }
    });
    let proc = format!("/proc/{pid}");

    let held = pipes(&pid.to_string());
    let ours = pipes("self");
    assert!(!ours.is_empty(), "the tool holds the other ends");
    assert_eq!(held.intersection(&ours).collect::<Vec<_>>(), Vec::<&String>::new());
    let target = |fd: u32| fs::read_link(format!("{proc}/fd/{fd}")).unwrap();
    assert_eq!(target(0), Path::new("/dev/null"));
    assert_eq!(target(1), Path::new("/dev/null"));
    assert_eq!(target(2), agent.place().log);

    assert_eq!(fs::read_link(format!("{proc}/cwd")).unwrap(), Path::new("/"));
    let stat = fs::read_to_string(format!("{proc}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let (group, session) = (fields[2], fields[3]);
    assert_eq!((group, session), (pid.to_string().as_str(), pid.to_string().as_str()));

    let environ = fs::read_to_string(format!("{proc}/environ")).unwrap();
    let names: BTreeSet<&str> =
        environ.split('\0').filter_map(|v| v.split_once('=')).map(|(name, _)| name).collect();
    let wanted = ["HOME", "LC_ALL", "P2P_HOME", "P2P_NAME", "P2P_RELAYS", "PATH"];
    assert_eq!(names, BTreeSet::from(wanted));

    // The tool's time is up, in the middle of the wait.
    kill_group(&typed);
    assert_eq!(typed.end().code, None);
    assert!(is_alive(pid));
    assert_eq!(agent.daemon_pid(), pid);
}

#[test]
fn many_verbs_at_once_start_one_daemon() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    let verbs: Vec<Running> = (0..8).map(|_| agent.start(&["whoami", "--json"])).collect();
    let keys: BTreeSet<String> =
        verbs.into_iter().map(|verb| verb.end().result(0)["npub"].to_string()).collect();
    assert_eq!(keys.len(), 1);
    assert_eq!(daemons(&agent.home()).len(), 1);
}

#[test]
fn first_run_prints_the_identity_and_what_became_public() {
    let relay = Relay::start();
    let agent = Agent::new("", &[relay.url()]);
    let first = agent.run(&["whoami", "--json"]);
    let me = first.clone().result(0);
    let (name, npub) = (me["name"].as_str().unwrap(), me["npub"].as_str().unwrap());
    assert_eq!(name, format!("agent-{}", &npub[npub.len() - 4..]));
    let identity = agent.place().identity;
    for told in [npub, name, &identity.display().to_string(), "public"] {
        assert!(first.stderr.contains(told), "{told}: {first}");
    }
    assert_eq!(fs::metadata(&identity).unwrap().permissions().mode() & 0o777, 0o600);
    // It is said once.
    let again = agent.run(&["whoami", "--json"]);
    assert!(!again.stderr.contains("public"), "{again}");
    // A copy is a copy, and overwrites nothing.
    agent.json(&["identity", "backup", "copy.json"]);
    let copy = agent.work().join("copy.json");
    assert_eq!(fs::read(&copy).unwrap(), fs::read(&identity).unwrap());
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(agent.fails(2, &["identity", "backup", "copy.json"]).code, ErrorCode::LocalFile);
}

#[test]
fn the_identity_file_of_the_older_skill_is_used_in_place() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    let home = agent.work();
    let p2p = |args: &[&str]| {
        let mut command = agent.command(binary());
        command.args(args).arg("--json").env("HOME", &home).env_remove("P2P_HOME");
        Running::start(format!("p2p {}", args.join(" ")), &mut command, "").end()
    };
    let key = home.join(".openclaw/p2p-identity.json");
    fs::create_dir(key.parent().unwrap()).unwrap();
    // The secret key 3, and what BIP-340 gives as its public key.
    let public = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
    let text = format!("{{\"privateKeyHex\":\"{:064x}\",\"publicKey\":\"{public}\"}}", 3);
    fs::write(&key, &text).unwrap();
    let status = p2p(&["status"]).result(0);
    let pid = u32::try_from(status["daemon"]["pid"].as_u64().unwrap()).unwrap();
    let stopped = p2p(&["daemon", "stop"]);
    send_signal(pid, Signal::SIGKILL);
    drop(stopped.result(0));
    assert_eq!(status["identity"]["hex"], public);
    assert_eq!(status["identity"]["path"], key.to_str().unwrap());
    assert_eq!(status["identity"]["created"], false);
    assert_eq!(fs::read_to_string(&key).unwrap(), text);
    assert!(home.join(".local/share/p2p/p2p.db").exists());
    assert_eq!(fs::read_dir(agent.home()).unwrap().count(), 0);
}

#[test]
fn a_damaged_or_missing_identity_is_an_error_and_changes_nothing() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    let path = agent.place().identity;
    for text in ["", "not an identity\n", "{\"privateKeyHex\":\"00\"}"] {
        fs::write(&path, text).unwrap();
        let error = agent.fails(2, &["status"]);
        assert_eq!(error.code, ErrorCode::Identity);
        assert!(error.message.contains(path.to_str().unwrap()), "{}", error.message);
        assert!(error.message.contains("backup"));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        // No backup is made of what is none.
        let copied = agent.fails(2, &["identity", "backup", "copy.json"]);
        assert_eq!((copied.code, copied.message), (ErrorCode::Identity, error.message));
        assert!(!agent.work().join("copy.json").exists());
    }
    assert!(daemons(&agent.home()).is_empty());
    // With its file back it goes on.
    fs::remove_file(&path).unwrap();
    agent.json(&["status"]);
    agent.json(&["daemon", "stop"]);
    // Without it nothing goes on, and no new one is made in its place.
    fs::remove_file(&path).unwrap();
    let error = agent.fails(2, &["status"]);
    assert_eq!((error.code, error.retryable), (ErrorCode::Identity, false));
    for told in [&path, &agent.place().store] {
        assert!(error.message.contains(told.to_str().unwrap()), "{}", error.message);
    }
    assert!(!path.exists());
}

#[test]
fn an_unknown_config_key_is_an_error_with_its_line() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]).configured("about = \"x\"\nrings = 7\n");
    let error = agent.fails(2, &["status"]);
    assert_eq!(error.code, ErrorCode::Config);
    for told in ["config.toml", "line 2", "rings"] {
        assert!(error.message.contains(told), "{told}: {}", error.message);
    }
    // What no daemon could do is said before anybody relies on it.
    let agent = agent.configured("about = \"x\"\n[hooks]\ncommand = [\"/nonexistent\"]\n");
    let status = agent.json(&["status"]);
    assert_eq!(status["identity"]["about"], "x");
    let channel = &status["notifiers"][0];
    assert_eq!((&channel["name"], &channel["state"]), (&"command".into(), &"unusable".into()));
    assert!(channel["cause"].as_str().unwrap().contains("/nonexistent"), "{status}");
}

#[test]
fn a_named_socket_turns_autostart_off() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    let mut sandboxed = Agent::new("alice", &[relay.url()]);
    sandboxed.set("P2P_SOCKET", agent.place().socket.to_str().unwrap());
    let error = sandboxed.fails(4, &["status"]);
    assert_eq!(error.code, ErrorCode::NoDaemon);
    assert!(error.hint.unwrap().contains("P2P_SOCKET"));
    assert!(!agent.place().socket.exists());
    assert!(daemons(&sandboxed.home()).is_empty() && daemons(&agent.home()).is_empty());
    // Once somebody serves there, it is used from anywhere.
    let npub = agent.npub();
    assert_eq!(sandboxed.npub(), npub);
    assert!(daemons(&sandboxed.home()).is_empty());
    assert!(!sandboxed.place().identity.exists());
}

#[test]
fn variables_that_differ_from_the_running_daemon_are_an_error() {
    let relay = Relay::start();
    let mut agent = Agent::new("alice", &[relay.url()]);
    agent.json(&["status"]);
    let pid = agent.daemon_pid();
    agent.set("P2P_NAME", "somebody-else");
    let error = agent.fails(2, &["status"]);
    assert_eq!(error.code, ErrorCode::EnvDiffers);
    for told in ["P2P_NAME", "somebody-else", "alice"] {
        assert!(error.message.contains(told), "{told}: {}", error.message);
    }
    agent.set("P2P_NAME", "");
    agent.set("P2P_READER", "me");
    assert_eq!(agent.json(&["status"])["daemon"]["pid"], pid, "who reads is no setting");
    // It can be stopped from any shell, and starts anew with what this one says.
    agent.set("P2P_NAME", "somebody-else");
    agent.json(&["daemon", "stop"]);
    assert_eq!(agent.json(&["whoami"])["name"], "somebody-else");
}

#[test]
fn two_daemons_do_not_share_a_key() {
    let relay = Relay::start();
    let one = Agent::new("alice", &[relay.url()]);
    one.json(&["status"]);
    let pid = one.daemon_pid();
    let second = one.run(&["daemon", "run", "--json"]).failure(4).0;
    assert_eq!(second.code, ErrorCode::AlreadyRunning);
    assert!(second.message.starts_with("another daemon already uses"), "{}", second.message);
    // The same key by another path, in a home of its own.
    let other = Agent::new("alice", &[relay.url()]);
    fs::hard_link(one.place().identity, other.place().identity).unwrap();
    assert_eq!(other.fails(4, &["status"]).code, ErrorCode::AlreadyRunning);
    assert_eq!(one.daemon_pid(), pid);
    one.json(&["daemon", "stop"]);
    assert_eq!(other.json(&["whoami"])["created"], false);
}

#[test]
fn autostart_gives_up_with_a_reason_after_repeated_early_deaths() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    agent.json(&["daemon", "start"]);
    agent.json(&["daemon", "stop"]);
    // Files of no length: the system kills whoever writes one, as a sandbox might.
    let mut shell = agent.command("/bin/sh");
    shell.args(["-c", "ulimit -f 0; exec \"$@\"", "sh"]).arg(binary()).args(["status", "--json"]);
    let (error, _) = Running::start("p2p status".into(), &mut shell, "").end().failure(4);
    assert_eq!(error.code, ErrorCode::DaemonDies);
    assert!(error.message.contains("3 times"), "{}", error.message);
    assert!(error.hint.unwrap().contains("P2P_SOCKET"));
    // It was no fault of the agent's: elsewhere it goes on.
    agent.json(&["status"]);
}

#[test]
fn pending_and_daemon_status_do_not_start_the_daemon() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    let pending = agent.run(&["pending"]).exits(0);
    assert_eq!((pending.stdout.as_str(), pending.stderr.as_str()), ("", ""));
    assert_eq!(agent.fails(4, &["daemon", "status"]).code, ErrorCode::NoDaemon);
    agent.json(&["daemon", "stop"]);
    agent.json(&["daemon", "logs"]);
    for help in [&["--help"][..], &["call", "--help"], &["--version"]] {
        let help = agent.run(help).exits(0);
        assert!(!help.stdout.is_empty());
    }
    assert_eq!(agent.fails(2, &["sned", "x"]).code, ErrorCode::Usage);
    assert_eq!(fs::read_dir(agent.home()).unwrap().count(), 0);
}

#[test]
fn an_agent_that_stops_is_no_longer_online() {
    let relay = Relay::start();
    let (alice, bob) = (Agent::new("alice", &[relay.url()]), Agent::new("bob", &[relay.url()]));
    let online = || alice.json(&["list"])["agents"].as_array().unwrap().len();
    bob.json(&["daemon", "start"]);
    until("alice sees bob", || online() == 1);
    bob.json(&["daemon", "stop"]);
    assert_eq!(online(), 0);
    // Who wants no presence is not seen at all, and can be called.
    let bob = bob.with("P2P_PRESENCE", "off");
    let npub = bob.npub();
    alice.json(&["call", &npub, "are you there?"]);
    until("it rings", || bob.json(&["status"])["pending"]["ringing"] == 1);
    assert_eq!(online(), 0);
}
