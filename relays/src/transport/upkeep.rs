//! Chores beside a connection: a relay's limits and time, and our profile there.

use std::sync::Arc;
use std::time::Duration;

use nostr::{Filter, Kind};
use p2p_core::PublicKey;

use crate::context::Context;
use crate::nip11;
use crate::publish::packets::Notice;
use crate::transport::address::Reach;
use crate::transport::command::RelayCommand;
use crate::transport::query::Question;
use crate::transport::table::Table;

/// Asks a relay for its limits (NIP-11), and notes them and the time that it has.
pub(crate) async fn learn(context: Arc<Context>, table: Arc<Table>, url: Arc<str>, reach: Reach) {
    let document = nip11::fetch(&*context.platform.network, &url, reach).await;
    if let Some((date, took)) = &document.date {
        context.note_time(&url, date, *took);
    }
    if document.limits.is_none() {
        tracing::debug!(relay = %url, "the relay says nothing about itself");
    }
    table.note_limits(&url, document.limits);
}

/// Publishes our profile again at a relay that no longer has it: the relay may have lost everything,
/// and without kind 10050 nobody can write to us.
pub(crate) async fn republish(table: Arc<Table>, url: Arc<str>, me: PublicKey) {
    let profile = table.profile();
    let Some((kind, packet)) = profile.last_key_value() else { return };
    let me = nostr::PublicKey::from_byte_array(me.0);
    let question = Question {
        filter: Filter::new().kind(Kind::from(*kind)).author(me).limit(1),
        max_events: 1,
        max_size: 64 * 1024,
        wait: Duration::from_secs(30),
    };
    let answer = table.ask_one(&url, &question).await;
    if answer.complete.is_err() || answer.events.iter().any(|event| event.id == packet.id) {
        return;
    }
    for (kind, packet) in &profile {
        table.command(&url, RelayCommand::Notify(Notice::lasting(*kind, packet)));
    }
}
