//! A real OpenClaw gateway (npm): a ring wakes its agent, whose model is asked with our text.
//! `.ci/run` installs it. Where it is missing the test is skipped; in CI that is a failure.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use p2p_tests::{
    Agent, Meeting, Relay, Server, interop, living_in, quiet_port, send_signal, within,
};
use serde_json::json;

const TOKEN: &str = "a-token-for-hooks-0123456789";
/// A gateway makes its state first, and machines that test are busy.
const START: Duration = Duration::from_secs(240);
const HOW: &str = "npm install --prefix target/interop/openclaw/node node@24 && \
                   PATH=$PWD/target/interop/openclaw/node/node_modules/.bin:$PATH \
                   npm install --prefix target/interop/openclaw/gateway openclaw@2026.9.6";

/// A gateway that keeps everything in a folder, and all processes of which are killed at its end.
struct Gateway {
    folder: PathBuf,
    url: String,
    child: Child,
}

impl Gateway {
    /// Starts one whose agent's model is at `model`.
    fn start(folder: &Path, model: &Server) -> Option<Self> {
        let place = interop::folder().join("openclaw");
        let node = place.join("node/node_modules/node/bin");
        let program = place.join("gateway/node_modules/openclaw/openclaw.mjs");
        if !program.exists() || !interop::runs(node.join("node")) {
            interop::skipped("a ring wakes an OpenClaw agent", "npm's openclaw and node", HOW);
            return None;
        }
        let (config, log) = (folder.join("openclaw.json"), folder.join("log"));
        // No plugins, no requests to anybody but the model, and no key.
        let settings = json!({
            "gateway": {"mode": "local", "auth": {"mode": "none"}},
            "hooks": {"enabled": true, "token": TOKEN, "path": "/hooks"},
            "agents": {"defaults": {"model": {"primary": "here/m"}, "skipBootstrap": true}},
            "models": {
                "catalogRefresh": {"enabled": false},
                "providers": {"here": {
                    "baseUrl": format!("{}/v1", model.url()),
                    "apiKey": "none",
                    "api": "openai-completions",
                    "models": [{"id": "m", "name": "m"}],
                }},
            },
            "plugins": {"enabled": false},
            "update": {"checkOnStart": false},
            "logging": {"file": log},
        });
        fs::write(&config, settings.to_string()).unwrap();
        let port = quiet_port();
        let search = std::env::var("PATH").unwrap_or_default();
        let output = File::create(folder.join("output")).unwrap();
        let child = Command::new(node.join("node"))
            .arg(program)
            .args(["gateway", "run", "--bind", "loopback", "--auth", "none", "--port"])
            .arg(port.to_string())
            .env_clear()
            .env("PATH", format!("{}:{search}", node.display()))
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .env("OPENCLAW_STATE_DIR", folder.join("state"))
            .env("OPENCLAW_CONFIG_PATH", config)
            // By which all of its processes are found again.
            .env("P2P_HOME", folder)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Some(Self { folder: folder.to_owned(), url: format!("http://127.0.0.1:{port}"), child })
    }

    fn output(&self) -> String {
        fs::read_to_string(self.folder.join("output")).unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the gateway said\n{}", self.output());
        }
        for _ in 0..2 {
            for pid in living_in(&self.folder) {
                send_signal(pid, Signal::SIGKILL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_ring_wakes_an_openclaw_agent() {
    let (relay, model) = (Relay::start(), Server::start());
    let folder = tempfile::tempdir().unwrap();
    let Some(gateway) = Gateway::start(folder.path(), &model) else { return };
    let bob = Agent::new("bob", &[relay.url()])
        .configured(&format!("[openclaw]\nurl = \"{}\"\ntoken = \"{TOKEN}\"\n", gateway.url));
    let alice = Agent::new("alice", &[relay.url()]);
    let meeting = Meeting::of(relay, alice, bob);
    within(START, "the gateway is up", || {
        gateway.output().contains("[gateway] ready").then_some(())
    });
    let talk = meeting.ring("words of a peer");
    let words = format!("p2p: {} rings; 1 unread. Run: p2p", talk.bob);
    within(START, "the agent's model is asked with our words", || {
        model.heard().iter().any(|told| told.body.contains(&words)).then_some(())
    });
    assert!(model.heard().iter().all(|told| !told.body.contains("words of a peer")));
    let channel = meeting.bob.json(&["status"])["notifiers"][0].take();
    assert_eq!((&channel["name"], &channel["state"]), (&"openclaw".into(), &"ok".into()));
}
