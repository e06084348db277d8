//! Both clients against a daemon that answers from a table.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use p2p_client::{Client, ConnectError};
use p2p_ipc::codec::{Request, Response};
use p2p_ipc::method::PendingParams;
use p2p_ipc::{ErrorCode, PROTOCOL_VERSION, RpcError};
use serde_json::json;

/// A daemon of some protocol version that never answers `wait`.
struct Fake {
    _folder: tempfile::TempDir,
    socket: PathBuf,
}

impl Fake {
    fn of_version(version: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("sock");
        let listener = UnixListener::bind(&socket).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || serve(stream, version));
            }
        });
        Self { _folder: folder, socket }
    }
}

fn serve(stream: UnixStream, version: u32) {
    let mut writer = stream.try_clone().unwrap();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let request: Request = serde_json::from_str(&line).unwrap();
        let id = request.id;
        let speaks = request.params["versions"]
            .as_array()
            .is_some_and(|versions| versions.contains(&json!(version)));
        let response = match request.method.as_str() {
            "hello" if speaks => Response::ok(id, json!({"version": version, "daemon": "fake"})),
            "hello" => {
                let error = RpcError::new(ErrorCode::Version, format!("I speak {version}"));
                Response::error(Some(id), error.hint("p2p daemon stop"))
            }
            "status" => Response::ok(id, json!({"daemon": {"pid": 7}})),
            "stop" => Response::ok(id, json!({})),
            "wait" => continue,
            _ => {
                let pending = json!({"ringing": 0, "unread": 3, "questions": 0, "line": null});
                Response::ok(id, pending)
            }
        };
        if writer.write_all(response.line().unwrap().as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn a_blocking_client_says_hello_and_asks() {
    let fake = Fake::of_version(PROTOCOL_VERSION);
    let mut client = Client::connect(&fake.socket, "test", BTreeMap::new()).unwrap();
    assert_eq!(client.hello.daemon, "fake");
    assert_eq!(client.call(&PendingParams::default(), Duration::ZERO).unwrap().unread, 3);
}

#[test]
fn a_daemon_of_another_version_is_refused_and_can_be_stopped() {
    let fake = Fake::of_version(PROTOCOL_VERSION - 1);
    let error = Client::connect(&fake.socket, "test", BTreeMap::new()).unwrap_err();
    let ConnectError::Refused(error) = error else { panic!("{error}") };
    assert_eq!((error.code, error.hint.as_deref()), (ErrorCode::Version, Some("p2p daemon stop")));
    assert!(error.message.starts_with("the running daemon does not speak"), "{error}");
    assert_eq!(Client::stop_daemon(&fake.socket, "test").unwrap(), 7);
}

#[test]
fn no_daemon_is_told_from_a_daemon_that_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("sock");
    let error = Client::connect(&absent, "test", BTreeMap::new()).unwrap_err();
    assert!(error.is_absent(), "{error}");
}

#[cfg(feature = "async")]
mod on_tokio {
    use super::*;
    use p2p_client::AsyncClient;
    use p2p_ipc::method::WaitParams;

    fn block_on(test: impl Future<Output = ()>) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(test);
    }

    #[test]
    fn an_async_client_says_hello_and_asks() {
        block_on(async {
            let fake = Fake::of_version(PROTOCOL_VERSION);
            let connected = AsyncClient::connect(&fake.socket, "test", BTreeMap::new()).await;
            let mut client = connected.unwrap();
            assert_eq!(client.hello.daemon, "fake");
            let pending = client.call(&PendingParams::default(), Duration::ZERO).await.unwrap();
            assert_eq!(pending.unread, 3);
        });
    }

    #[test]
    fn an_async_client_names_a_daemon_of_another_version() {
        block_on(async {
            let fake = Fake::of_version(PROTOCOL_VERSION - 1);
            let refused = AsyncClient::connect(&fake.socket, "test", BTreeMap::new()).await;
            let Err(ConnectError::Refused(error)) = refused else { panic!("connected") };
            assert!(error.message.starts_with("the running daemon does not speak"), "{error}");
        });
    }

    #[test]
    fn a_request_whose_future_was_dropped_spoils_no_later_answer() {
        block_on(async {
            let fake = Fake::of_version(PROTOCOL_VERSION);
            let connected = AsyncClient::connect(&fake.socket, "test", BTreeMap::new()).await;
            let mut client = connected.unwrap();
            let forever = Duration::from_secs(600);
            let silent = WaitParams::default();
            tokio::select! {
                biased;
                _ = client.call(&silent, forever) => panic!("never answered"),
                () = tokio::task::yield_now() => {}
            }
            let next = client.call(&PendingParams::default(), Duration::ZERO).await;
            assert_eq!(next.unwrap_err().code, ErrorCode::NoDaemon);
        });
    }
}
