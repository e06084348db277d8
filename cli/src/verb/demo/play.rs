//! The script of the demo: Alice finds Bob, has a page translated, and thanks him.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p2p_ipc::RpcError;
use serde_json::Value;

use super::stage::{ALICE, BOB, Stage, eventually, failed, write};

/// Topic of the call.
const TOPIC: &str = "Translate docs/de.md";
/// Text with characters that a shell would change.
const QUESTION: &str = "Please translate `docs/de.md`.\nKeep $(code) and \"quotes\" as they are.";

/// Runs all steps.
///
/// # Errors
/// Fails at the first step without the expected result.
pub fn run(stage: &Stage) -> Result<(), RpcError> {
    write(&stage.work(BOB).join("de.md"), page().as_bytes())?;
    meet(stage)?;
    let call = ring(stage)?;
    talk(stage)?;
    exchange_files(stage)?;
    ask_humans(stage)?;
    look_around(stage, &call)?;
    part(stage, &call)?;
    decline(stage)?;
    close(stage)
}

/// Plays the first run, discovery, and contacts.
fn meet(stage: &Stage) -> Result<(), RpcError> {
    stage.say("Two agents on this machine share a relay. The first verb starts an agent's daemon and makes its identity.");
    let who = stage.run(ALICE, &["whoami"], 0)?;
    who.shows("npub1")?;
    who.check(who.stderr.contains("first run"), "it tells of the new identity")?;
    let log = stage.told_by_hook();
    // Hooks run a program directly, without a shell; this one starts a shell to append to a file.
    let hook = format!(
        "[hooks]\ncommand = [\"/bin/sh\", \"-c\", 'cat >> \"$0\"', {:?}]\nevents = [\"escalate\"]\n",
        log.display().to_string()
    );
    write(&stage.home(BOB).join("config.toml"), hook.as_bytes())?;
    stage.run(BOB, &[], 0)?.shows("1/1 relays")?;

    stage.say("Alice looks for somebody who knows documents, and both give each other a name.");
    eventually("finding Bob", 15, || {
        let found = stage.ask(ALICE, &["list", "--can", "docs", "--wait", "2"])?;
        Ok(found["agents"].as_array().is_some_and(|agents| agents.len() == 1))
    })?;
    let list = stage.run(ALICE, &["list", "--can", "docs"], 0)?;
    list.shows("can: docs")?;
    let bob = npub(stage, BOB)?;
    let alice = npub(stage, ALICE)?;
    stage.run(ALICE, &["contacts", "add", &bob, "bob"], 0)?;
    stage.run(BOB, &["contacts", "add", &alice, "alice"], 0)?;
    stage.run(BOB, &["contacts", "list"], 0)?.shows("alice")
}

/// Places a call, notices it, and accepts it.
fn ring(stage: &Stage) -> Result<String, RpcError> {
    stage.say("She calls him. He notices, and accepts.");
    let opening = "Hello Bob, one page to translate.";
    let note = "issue 12";
    stage.run(ALICE, &["call", "bob", TOPIC, "-m", opening, "--note", note], 0)?;
    let wait = ["wait", "--for", "ring", "--wait", "15", "--peek"];
    stage.ask(BOB, &wait)?;
    let pending = stage.run(BOB, &["pending"], 0)?;
    pending.check(pending.stdout.lines().count() == 1, "it prints one line")?;
    let rings = stage.run(BOB, &["inbox"], 0)?;
    rings.shows(TOPIC)?;
    stage.run(BOB, &["answer", "accept", "--wait", "15"], 0)?.shows("active")?;
    stage.say("The same call again is the same call: here it tells that he is there.");
    stage.run(ALICE, &["call", "bob", TOPIC, "--wait", "15"], 0)?.shows("active")?;
    let calls = stage.ask(ALICE, &["calls"])?;
    let all = calls["calls"].as_array().map_or(0, Vec::len);
    match calls["calls"][0]["handle"].as_str() {
        Some(handle) if all == 1 => Ok(handle.to_owned()),
        _ => Err(failed("placing the call twice", &format!("there are {all} calls"))),
    }
}

/// Sends messages, and waits for receipts and a reply.
fn talk(stage: &Stage) -> Result<(), RpcError> {
    stage.say("They talk. A quoted heredoc keeps the shell away from the words.");
    let until = ["send", "-", "--until", "delivered", "--wait", "15"];
    stage.feed(ALICE, &until, &format!("{QUESTION}\n"), 0)?.shows("delivered")?;
    let inbox = stage.run(BOB, &["inbox"], 0)?;
    inbox.shows("│ Please translate `docs/de.md`.")?;
    inbox.check(last_words(stage)? == QUESTION, "the words are as they were written")?;

    stage.say("She asks and waits for the reply; meanwhile he reads and answers.");
    let asks = stage.start(ALICE, &["request", "How long will it take?", "--wait", "25"], "")?;
    let waits = ["wait", "--for", "message", "--wait", "15"];
    stage.run(BOB, &waits, 0)?.shows("│ How long will it take?")?;
    stage.run(BOB, &["send", "Two minutes."], 0)?;
    stage.finish(asks, 0)?.shows("│ Two minutes.")
}

/// Sends a file each way, one by its path and one in the form of the older skill.
fn exchange_files(stage: &Stage) -> Result<(), RpcError> {
    stage.say("He sends the page.");
    stage.run(BOB, &["sendfile", "de.md"], 0)?;
    stage.run(ALICE, &["wait", "--for", "file", "--wait", "20"], 0)?.shows("de.md")?;
    let handle = received_file(stage.ask(ALICE, &["files"])?)?;
    let get = ["files", "get", &handle, "--to", "page.md"];
    let got = stage.run(ALICE, &get, 0)?;
    let page_there = fs::read(stage.work(ALICE).join("page.md")).unwrap_or_default();
    got.check(page_there == page().as_bytes(), "the bytes are those that were sent")?;
    stage.say("Nothing is overwritten.");
    stage.run(ALICE, &get, 2)?;

    stage.say("The older skill's form works, too: a name, and the content in Base64.");
    let note = b"{\"reviewed\": true}";
    let old = ["sendfile", "note.json", &STANDARD.encode(note)];
    stage.run(ALICE, &old, 0)?;
    stage.ask(BOB, &["wait", "--for", "file", "--wait", "20"])?;
    stage.run(BOB, &["files"], 0)?.shows("note.json")?;
    let handle = received_file(stage.ask(BOB, &["files"])?)?;
    let got = stage.run(BOB, &["files", "get", &handle, "--to", "."], 0)?;
    let there = fs::read(stage.work(BOB).join("note.json")).unwrap_or_default();
    got.check(there == note, "the bytes are those that were sent")
}

/// Asks the humans: one agent has a channel to its human, the other has not.
fn ask_humans(stage: &Stage) -> Result<(), RpcError> {
    stage.say("Alice needs her human, and has no channel: nobody was told, says exit code 9.");
    let asked = ["escalate", "Publish it today?", "--option", "yes", "--option", "no"];
    stage.run(ALICE, &asked, 9)?;
    stage.say("Bob has a hook, and his human learns of it.");
    let asked = stage.run(BOB, &["escalate", "May I take another page?", "--quiet"], 0)?;
    asked.shows("told by command")?;
    eventually("the hook", 10, || {
        let told = fs::read_to_string(stage.told_by_hook()).unwrap_or_default();
        Ok(told.contains('{'))
    })?;
    stage.run(BOB, &["questions"], 0)?.shows("May I take another page?")
}

/// Sends direct messages, reads again, and waits without result.
fn look_around(stage: &Stage, call: &str) -> Result<(), RpcError> {
    stage.say("A direct message needs no call.");
    let dm = ["dm", "bob", "Lunch later?", "--until", "delivered", "--wait", "15"];
    stage.run(ALICE, &dm, 0)?.shows("delivered")?;
    let inbox = stage.run(BOB, &["inbox"], 0)?;
    inbox.shows("│ Lunch later?")?;
    let handle = inbox
        .stdout
        .lines()
        .find_map(|line| line.split_once(" dm ").map(|(handle, _)| handle.to_owned()))
        .unwrap_or_default();
    stage.run(BOB, &["read", &handle], 0)?.shows("│ Lunch later?")?;
    stage.say("Waiting in vain is no failure; exit code 3 means: work on, and look again.");
    while stage.ask(ALICE, &["inbox"])?["items"].as_array().is_some_and(|items| !items.is_empty()) {
    }
    stage.run(ALICE, &["wait", "--call", call, "--wait", "1"], 3)?.shows("nothing yet")?;
    stage.run(ALICE, &["status"], 0)?.shows(call)
}

/// Ends the call, and shows its records.
fn part(stage: &Stage, call: &str) -> Result<(), RpcError> {
    stage.say("She ends the call; both keep the transcript.");
    stage.run(ALICE, &["end", "Thanks, Bob."], 0)?.shows("completed")?;
    let ended = stage.run(BOB, &["wait", "--for", "end", "--wait", "15"], 0)?;
    ended.shows("│ Thanks, Bob.")?;
    stage.run(BOB, &["calls"], 0)?.shows("completed")?;
    let transcript = stage.run(ALICE, &["transcript", call, "--format", "markdown"], 0)?;
    for words in ["Hello Bob", "Please translate", "How long", "> │ Two minutes.", "de.md"] {
        transcript.shows(words)?;
    }
    stage.say("Both daemons told each other what they have of it, and it is the same.");
    eventually("both have told", 20, || {
        let verified = stage.ask(ALICE, &["transcript", call])?;
        Ok(verified["comparison"]["outcome"] == "same")
    })?;
    stage.run(ALICE, &["verify", call], 0)?.shows("both ends have the same")?;
    stage.say("All that came can be followed as a stream; what has arrived cannot be taken back.");
    stage.run(BOB, &["watch", "--from", "0", "--limit", "1"], 0)?.shows("\"seq\"")?;
    stage.run(ALICE, &["cancel", "m2"], 9)?;
    stage.say("Old calls can be deleted; what would be is shown first.");
    stage.run(BOB, &["purge", "--older-than", "30"], 0)?.shows("delete")
}

/// Rejects a call.
fn decline(stage: &Stage) -> Result<(), RpcError> {
    stage.say("Another call is declined, which exit code 7 says.");
    let calls = stage.start(ALICE, &["call", "bob", "One more page", "--wait", "25"], "")?;
    stage.ask(BOB, &["wait", "--for", "ring", "--wait", "15"])?;
    stage.run(BOB, &["answer", "reject", "Not today"], 0)?;
    stage.finish(calls, 7)?.shows("│ Not today")
}

/// Checks the files on disk, and stops the daemons.
fn close(stage: &Stage) -> Result<(), RpcError> {
    stage.say("The key can be kept elsewhere, and the daemons can be looked at and stopped.");
    stage.run(ALICE, &["identity", "backup", "key.json"], 0)?;
    stage.run(ALICE, &["daemon", "start"], 0)?.shows("runs already")?;
    stage.run(ALICE, &["daemon", "logs", "-n", "3"], 0)?;
    for agent in [ALICE, BOB] {
        stage.run(agent, &["daemon", "stop"], 0)?.shows("stopped")?;
    }
    stage.run(BOB, &["daemon", "status"], 4)?;
    let pending = stage.run(BOB, &["pending"], 0)?;
    pending.check(pending.stdout.is_empty(), "it prints nothing, and starts nothing")?;
    stage.say("");
    Ok(())
}

/// Returns a page that is several chunks long.
fn page() -> String {
    (1..=900).map(|n| format!("{n}. Zeile der Übersetzung\n")).collect()
}

fn npub(stage: &Stage, agent: super::stage::Agent) -> Result<String, RpcError> {
    let me = stage.ask(agent, &["whoami"])?;
    me["npub"].as_str().map(str::to_owned).ok_or_else(|| failed("whoami", &me))
}

/// Returns the path of the newest file that an agent received.
fn received_file(files: Value) -> Result<String, RpcError> {
    let received = files["files"].as_array().into_iter().flatten();
    let mut received = received.filter(|file| file["outgoing"] == false);
    received
        .find_map(|file| file["handle"].as_str().map(str::to_owned))
        .ok_or_else(|| failed("receiving a file", &files))
}

/// Returns the newest message in Bob's inbox.
fn last_words(stage: &Stage) -> Result<String, RpcError> {
    let inbox = stage.ask(BOB, &["inbox", "--last", "20"])?;
    let items = inbox["items"].as_array().into_iter().flatten().rev();
    Ok(items.filter_map(|item| item["message"]["text"].as_str()).next().unwrap_or_default().into())
}
