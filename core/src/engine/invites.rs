//! Invites: a stranger with a token rings like a contact, once for each use of the token. An
//! invalid token has no effect and gets no answer.

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

    /// Revokes an invite. Returns false if there is no such invite.
    pub(super) fn revoke(&mut self, id: u32) -> bool {
        let known = self.invites.remove(&id).is_some();
        if known {
            self.ctx.persist(PeerChange::InviteGone(id));
        }
        known
    }

    /// Returns the invite behind a stranger's ring, if its token is one of ours, has uses left and
    /// has not expired. Under the policies open and closed a token changes nothing.
    pub(super) fn invited(&self, now: Time, from: PublicKey, offer: &Offer) -> Option<Invite> {
        let matters = matches!(self.ctx.settings.policy, Policy::Ask | Policy::AllowList)
            && self.ctx.peers.standing(from) == Standing::Stranger;
        let token = offer.invite.as_deref().filter(|_| matters)?;
        let hash = Token::parse(token).ok()?.hash();
        let good = |invite: &&Invite| invite.hash == hash && now < invite.expires;
        self.invites.values().find(good).copied()
    }

    /// Uses an invite up by one and makes the key a contact.
    pub(super) fn admit(&mut self, now: Time, from: PublicKey, invite: Invite) {
        match invite.uses {
            0 | 1 => _ = self.revoke(invite.id),
            uses => self.keep_invite(Invite { uses: uses - 1, ..invite }),
        }
        self.allow(now, from);
    }

    /// Removes expired invites.
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
