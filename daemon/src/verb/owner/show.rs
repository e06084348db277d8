//! `p2p owner show`: who owns this agent; and waiting until a pairing is over.

use p2p_core::policy::Policy;
use p2p_core::record;
use p2p_ipc::RpcError;
use p2p_ipc::method::{OwnerParams, OwnerResult};
use p2p_ipc::view;

use crate::context::Context;
use crate::errors::unreadable;
use crate::verb::handler::{Effect, Handler};
use crate::verb::waiting::capped;

impl Handler for OwnerParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<OwnerResult, RpcError> {
        let mut pairing = context.engine.pairing();
        let over = pairing.wait_for(Option::is_none);
        let _ = tokio::time::timeout(capped(self.wait_ms), over).await;
        let pairing = *context.engine.pairing().borrow();
        let store = context.reader();
        let owners = store.owners().map_err(unreadable)?;
        let policy = store
            .policy()
            .map_err(unreadable)?
            .unwrap_or_else(|| crate::settings::policy(context.config.policy));
        Ok(OwnerResult {
            owners: owners.into_iter().map(owner).collect(),
            pairing,
            passphrase: store.passphrase().map_err(unreadable)?.is_some(),
            policy: name(policy).into(),
            notifiers: context.notifiers.view(),
        })
    }
}

fn owner(owner: record::Owner) -> view::OwnerView {
    let muted_until = owner.muted_until.filter(|until| *until > crate::now());
    view::OwnerView {
        npub: owner.key.npub(),
        hex: owner.key.to_string(),
        since_ms: owner.since.0,
        muted_until_ms: muted_until.map(|until| until.0),
    }
}

/// Returns the name of a policy in the configuration.
const fn name(policy: Policy) -> &'static str {
    match policy {
        Policy::Ask => "ask",
        Policy::AllowList => "allow-list",
        Policy::Open => "open",
        Policy::Closed => "closed",
    }
}

/// Returns the policy of this name.
pub fn policy(text: &str) -> Option<Policy> {
    let all = [Policy::Ask, Policy::AllowList, Policy::Open, Policy::Closed];
    all.into_iter().find(|policy| name(*policy) == text)
}
