//! `p2p contacts`: keys with pet names, and their permission to ring.

use p2p_core::engine::{Input, command};
use p2p_core::policy::is_pet_name;
use p2p_core::record::{Peer, Standing};
use p2p_ipc::method::{
    ContactAction, ContactsParams, ContactsResult, EditContactParams, EditContactResult,
};
use p2p_ipc::{ErrorCode, RpcError};

use super::handler::{Attention, Effect, Handler};
use super::presenter::Presenter;
use super::resolve;
use crate::context::Context;
use crate::errors::unreadable;

impl Handler for ContactsParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<ContactsResult, RpcError> {
        let store = context.reader();
        let presenter = Presenter::new(context, &store, None);
        let mut peers = store.peers().map_err(unreadable)?;
        peers.retain(|peer| peer.standing != Standing::Stranger);
        peers.sort_by_key(|peer| (peer.name.is_none(), peer.name.clone(), peer.key));
        Ok(ContactsResult {
            contacts: peers.into_iter().map(|peer| presenter.contact(peer)).collect(),
        })
    }
}

impl Handler for EditContactParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<EditContactResult, RpcError> {
        let key = resolve::agent(context, &context.reader(), &self.agent)?;
        let before = context.reader().peer(key).map_err(unreadable)?;
        // An agent whose presence `list` showed in this run speaks p2p.
        let seen = context.listed().get(&key).cloned();
        let mut renamed_from = None;
        match self.action {
            ContactAction::Add => {
                let claimed = before.as_ref().and_then(|peer| peer.claimed.clone());
                let claimed = claimed
                    .or_else(|| seen.clone().map(Into::into))
                    .filter(|name| is_pet_name(name));
                let name = self.name.or(claimed.map(Into::into)).ok_or_else(|| {
                    RpcError::new(ErrorCode::Usage, "the peer claims no usable name: give a name")
                        .hint(format!("p2p contacts add {} <name>", key.npub()))
                })?;
                let old = before.as_ref().and_then(|peer| peer.name.clone());
                renamed_from = old.filter(|old| *old != name);
                context.engine.command(command::NamePeer { key, name: name.into() }).await?;
            }
            ContactAction::Allow => context.engine.command(command::AllowPeer(key)).await?,
            ContactAction::Block => context.engine.command(command::BlockPeer(key)).await?,
            ContactAction::Remove => context.engine.command(command::ForgetPeer(key)).await?,
        }
        let speaks_p2p = seen.is_some();
        if let Some(name) = seen.filter(|_| self.action == ContactAction::Add) {
            context.engine.input(Input::PeerSeen { peer: key, name: Some(name.into()) }).await;
        }
        let store = context.reader();
        let after = store.peer(key).map_err(unreadable)?.or(before);
        let peer = after.unwrap_or_else(|| Peer::stranger(key, crate::now()));
        let mut contact = Presenter::new(context, &store, None).contact(peer);
        contact.speaks_p2p |= speaks_p2p;
        Ok(EditContactResult { contact, renamed_from: renamed_from.map(Into::into) })
    }
}
