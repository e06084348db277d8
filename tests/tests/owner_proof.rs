//! An agent cannot pass for its owner: acting for an owner at the socket needs a proof.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::collections::BTreeMap;

use p2p_client::Client;
use p2p_ipc::method::{
    OwnerCommand, OwnerCommandParams, OwnerCommandResult, OwnerPairParams, PassphraseParams,
};
use p2p_ipc::{ErrorCode, Method, RpcError};
use p2p_tests::{Agent, Meeting, PATIENCE, eventually, until};

const PASSPHRASE: &str = "correct horse battery";

/// Calls a method as the agent itself, which may open the socket.
fn ask<M: Method>(agent: &Agent, params: &M) -> Result<M::Result, RpcError> {
    let socket = agent.place().socket;
    let mut client = Client::connect(&socket, "test", BTreeMap::new()).unwrap();
    client.call(params, PATIENCE)
}

fn order(
    agent: &Agent,
    order: OwnerCommand,
    proof: Option<&str>,
) -> Result<OwnerCommandResult, RpcError> {
    ask(agent, &OwnerCommandParams { command: order, proof: proof.map(str::to_owned) })
}

fn answer(question: &str) -> OwnerCommand {
    OwnerCommand::Answer { question: question.into(), text: "yes".into() }
}

/// Returns the one-time code that an owner asks for.
fn one_time_code(owner: &Agent) -> String {
    owner.json(&["dm", "alice", "/code"]);
    eventually("a code comes", || {
        let inbox = owner.json(&["inbox"]);
        let items = inbox["items"].as_array().unwrap().clone();
        items.into_iter().find_map(|item| {
            let text = item["message"]["text"].as_str()?.lines().next()?.to_owned();
            (text.len() == 9 && text.as_bytes()[4] == b'-').then_some(text)
        })
    })
}

#[test]
fn acting_for_the_owner_at_the_socket_needs_a_proof() {
    let meeting = Meeting::new();
    let (alice, owner) = (&meeting.alice, Agent::new("ruth", &[meeting.relay.url()]));
    owner.befriend(alice);
    let talk = meeting.call("docs");
    let code = alice.json(&["owner", "pair"])["code"].as_str().unwrap().to_owned();
    owner.json(&["dm", "alice", &code]);
    until("she is paired", || alice.json(&["owner"])["owners"][0]["npub"] == owner.npub());
    let asked = alice.json(&["escalate", "Publish?", "--call", &talk.alice, "--quiet"]);
    assert_eq!(asked["notified"], serde_json::json!(["dm"]));
    let question = asked["handle"].as_str().unwrap();

    let code_of = |refused: Result<OwnerCommandResult, RpcError>| refused.unwrap_err().code;
    assert_eq!(code_of(order(alice, answer(question), None)), ErrorCode::OwnerOnly);
    let open = OwnerCommand::Policy { policy: "open".into() };
    assert_eq!(code_of(order(alice, open, None)), ErrorCode::OwnerOnly);
    assert_eq!(ask(alice, &OwnerPairParams::default()).unwrap_err().code, ErrorCode::OwnerOnly);
    let mine = |proof: Option<&str>| PassphraseParams {
        proof: proof.map(str::to_owned),
        new: Some(PASSPHRASE.into()),
    };
    assert_eq!(ask(alice, &mine(None)).unwrap_err().code, ErrorCode::OwnerOnly);
    assert_eq!(ask(alice, &mine(Some("K7QX-3M9P"))).unwrap_err().code, ErrorCode::WrongProof);
    assert_eq!(alice.json(&["questions"])["questions"][0]["state"], "open");

    let code = one_time_code(&owner);
    let dms = alice.run(&["inbox", "--last", "20", "--json"]).stdout;
    assert!(!dms.contains(&code), "the agent can read it: {dms}");
    ask(alice, &mine(Some(&code))).unwrap();
    assert_eq!(ask(alice, &mine(Some(&code))).unwrap_err().code, ErrorCode::WrongProof);

    order(alice, answer(question), Some(PASSPHRASE)).unwrap();
    let reply = alice.json(&["wait", "--for", "reply"]);
    let reply = &reply["items"].as_array().unwrap().last().unwrap()["question"];
    assert_eq!((&reply["answer"], &reply["answer_via"]), (&"yes".into(), &"terminal".into()));

    for _ in 0..5 {
        assert_eq!(code_of(order(alice, OwnerCommand::Unmute, Some("x"))), ErrorCode::WrongProof);
    }
    let closed = order(alice, OwnerCommand::Unmute, Some(PASSPHRASE)).unwrap_err();
    assert!(closed.code == ErrorCode::WrongProof && closed.retryable, "{closed:?}");
}
