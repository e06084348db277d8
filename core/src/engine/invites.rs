//! Invites: who has a token rings like a contact, once for each use of it. What a wrong one is
//! worth nobody is told.

use std::time::Duration;

use super::{Engine, Refusal};
use crate::ids::PublicKey;
use crate::invite::{INVITE_HOURS, INVITE_USES, Token};
use crate::peer::change::PeerChange;
use crate::policy::Policy;
use crate::record::{Invite, Standing};
use crate::time::Time;
use crate::wire::Offer;

impl Engine {
    /// Makes a token. Its number is never given out again.
    ///
    /// # Errors
    /// [`Refusal::InviteLimits`].
    pub(super) fn invite(
        &mut self,
        now: Time,
        uses: u32,
        lifetime: u64,
    ) -> Result<(u32, Token), Refusal> {
        if !(1..=INVITE_USES).contains(&uses) || !(1..=INVITE_HOURS * 3600).contains(&lifetime) {
            return Err(Refusal::InviteLimits);
        }
        let mut token = Token([0; 16]);
        token.0.copy_from_slice(&self.ctx.ids.bytes()[..16]);
        let id = self.ctx.number(|counters| &mut counters.invites);
        let lifetime = Duration::from_secs(lifetime);
        self.keep_invite(Invite { id, hash: token.hash(), uses, expires: now + lifetime, at: now });
        Ok((id, token))
    }

    /// Makes a token worthless.
    pub(super) fn revoke(&mut self, id: u32) -> bool {
        let known = self.invites.remove(&id).is_some();
        if known {
            self.ctx.persist(PeerChange::InviteGone(id));
        }
        known
    }

    /// The invite that a stranger's ring comes with, where it is one of ours, has uses left and is
    /// not too old. Under the other policies it changes nothing.
    pub(super) fn invited(&self, now: Time, from: PublicKey, offer: &Offer) -> Option<Invite> {
        let matters = matches!(self.ctx.settings.policy, Policy::Ask | Policy::AllowList)
            && self.ctx.peers.standing(from) == Standing::Stranger;
        let token = offer.invite.as_deref().filter(|_| matters)?;
        let hash = Token::parse(token).ok()?.hash();
        let good = |invite: &&Invite| invite.hash == hash && now < invite.expires;
        self.invites.values().find(good).copied()
    }

    /// One use less, and the key is a contact from now on.
    pub(super) fn admit(&mut self, now: Time, from: PublicKey, invite: Invite) {
        match invite.uses {
            0 | 1 => _ = self.revoke(invite.id),
            uses => self.keep_invite(Invite { uses: uses - 1, ..invite }),
        }
        self.allow(now, from);
    }

    /// Tokens whose time is over.
    pub(super) fn forget_invites(&mut self, now: Time) {
        let over = self.invites.values().filter(|invite| invite.expires <= now);
        for id in over.map(|invite| invite.id).collect::<Vec<_>>() {
            self.revoke(id);
        }
    }

    fn keep_invite(&mut self, invite: Invite) {
        self.invites.insert(invite.id, invite);
        self.ctx.persist(PeerChange::Invite(invite));
    }
}
