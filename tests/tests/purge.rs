//! `p2p purge` deletes completely, and never what is still needed.

use std::fs;

use p2p_ipc::ErrorCode;
use p2p_tests::{Meeting, eventually, until};

#[test]
fn purge_deletes_an_ended_and_read_call() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let talk = meeting.call("to be forgotten");
    alice.json(&["send", "--call", &talk.alice, "a word"]);
    fs::write(alice.work().join("note.txt"), "a file").unwrap();
    alice.json(&["sendfile", "note.txt", "--call", &talk.alice]);
    let download = eventually("the file is there", || {
        let files = bob.json(&["files"]);
        files["files"][0]["path"].as_str().map(std::path::PathBuf::from)
    });
    let refused = |why: &str| {
        let error = bob.fails(9, &["purge", &talk.bob, "--yes"]);
        assert_eq!(error.code, ErrorCode::Policy);
        assert!(error.message.contains(why), "{error}");
        error.hint.unwrap_or_default()
    };
    assert_eq!(refused("is open"), format!("p2p end --call {}", talk.bob));
    alice.json(&["end", "--call", &talk.alice]);
    until("it ended there", || bob.json(&["read", &talk.bob])["state"] == "ended");
    assert_eq!(refused("unread"), format!("p2p inbox --call {}", talk.bob));
    let old = bob.json(&["purge", "--older-than", "0", "--yes"]);
    assert_eq!(old["calls"].as_array().map(Vec::len), Some(0), "{old}");
    assert_eq!(old["kept"][0]["reason"], "unread", "{old}");
    bob.json(&["inbox"]);

    until("nothing is owed to her", || bob.run(&["purge", &talk.bob]).code == Some(0));

    // Without --yes it only says what it would do.
    let told = bob.run(&["purge", "--older-than", "0"]).exits(0).stdout;
    assert!(told.starts_with("would delete 1 call, 2 messages, 1 file"), "{told}");
    assert!(told.contains("next: p2p purge --older-than 0 --yes"), "{told}");
    assert!(download.exists());
    bob.json(&["transcript", &talk.bob]);

    let done = bob.json(&["purge", &talk.bob, "--yes"]);
    assert_eq!((&done["deleted"], &done["calls"][0]["messages"]), (&true.into(), &2.into()));
    assert_eq!(bob.fails(6, &["transcript", &talk.bob]).code, ErrorCode::NoCall);
    assert!(!download.exists());
    // Neither what relays still have of it nor another start brings it back.
    bob.kill9();
    assert_eq!(bob.json(&["status"])["calls"].as_array().map(Vec::len), Some(0));
    assert_eq!(bob.json(&["calls"])["calls"].as_array().map(Vec::len), Some(0));
    alice.json(&["inbox"]);
    // The caller's goes as soon as the callee has confirmed its end.
    until("hers goes too", || alice.run(&["purge", &talk.alice, "--yes"]).code == Some(0));
    assert_eq!(bob.fails(6, &["purge", "c9"]).code, ErrorCode::NoCall);
    assert_eq!(bob.fails(2, &["purge"]).code, ErrorCode::Usage);
}
