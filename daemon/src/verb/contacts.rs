//! `p2p contacts`: keys with pet names, and whether they may ring.

use p2p_core::engine::{Input, command};
use p2p_core::policy::is_pet_name;
use p2p_core::record::{Peer, Standing};
use p2p_ipc::method::{ContactAction, Contacts, ContactsResult, EditContact, EditedContact};
use p2p_ipc::{ErrorCode, RpcError};

use super::show::Show;
use super::{stored, which};
use crate::service::Service;

pub(super) async fn list(service: &Service, _: Contacts) -> Result<ContactsResult, RpcError> {
    let store = service.reader();
    let show = Show::new(service, &store, None);
    let mut peers = store.peers().map_err(stored)?;
    peers.retain(|peer| peer.standing != Standing::Stranger);
    peers.sort_by_key(|peer| (peer.name.is_none(), peer.name.clone(), peer.key));
    Ok(ContactsResult { contacts: peers.into_iter().map(|peer| show.contact(peer)).collect() })
}

pub(super) async fn edit(
    service: &Service,
    params: EditContact,
) -> Result<EditedContact, RpcError> {
    service.act();
    let key = which::agent(service, &service.reader(), &params.agent)?;
    let before = service.reader().peer(key).map_err(stored)?;
    // Presence that `list` showed in this run says what runs behind the key.
    let seen = service.listed().get(&key).cloned();
    let mut renamed_from = None;
    match params.action {
        ContactAction::Add => {
            let claimed = before.as_ref().and_then(|peer| peer.claimed.clone());
            let claimed =
                claimed.or_else(|| seen.clone().map(Into::into)).filter(|name| is_pet_name(name));
            let name = params.name.or(claimed.map(Into::into)).ok_or_else(|| {
                RpcError::new(ErrorCode::Usage, "it claims no name that could be pinned: say one")
                    .hint(format!("p2p contacts add {} <name>", key.npub()))
            })?;
            let old = before.as_ref().and_then(|peer| peer.name.clone());
            renamed_from = old.filter(|old| *old != name);
            service.host.command(command::NamePeer { key, name: name.into() }).await?;
        }
        ContactAction::Allow => service.host.command(command::AllowPeer(key)).await?,
        ContactAction::Block => service.host.command(command::BlockPeer(key)).await?,
        ContactAction::Remove => service.host.command(command::ForgetPeer(key)).await?,
    }
    let speaks_p2p = seen.is_some();
    if let Some(name) = seen.filter(|_| params.action == ContactAction::Add) {
        service.host.input(Input::PeerSeen { peer: key, name: Some(name.into()) }).await;
    }
    let store = service.reader();
    let after = store.peer(key).map_err(stored)?.or(before);
    let peer = after.unwrap_or_else(|| Peer::stranger(key, crate::now()));
    let mut contact = Show::new(service, &store, None).contact(peer);
    contact.speaks_p2p |= speaks_p2p;
    Ok(EditedContact { contact, renamed_from: renamed_from.map(Into::into) })
}
