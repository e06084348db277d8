//! Tokens that let strangers ring.

use p2p_ipc::method::{InviteResult, InviteView, InvitesResult};
use serde::Serialize;

use super::page::Page;
use super::text::Text;

/// A token that was revoked.
#[derive(Debug, Serialize)]
pub struct Revoked {
    /// The token's number.
    pub revoked: u32,
}

fn line(invite: &InviteView, page: &Page) -> String {
    let uses = if invite.uses_left == 1 { "use" } else { "uses" };
    let left = page.until(invite.expires_ms);
    format!("invite {}: {} {uses} left, good for {left}", invite.id, invite.uses_left)
}

impl Text for InviteResult {
    fn text(&self, page: &mut Page) {
        page.line(&self.token);
        page.line(line(&self.invite, page));
        page.line("whoever has it may ring; it is not shown again. For whom it is meant:");
        page.line(format!("  p2p call {} \"<topic>\" --invite {}", self.npub, self.token));
        page.next("p2p wait --for ring");
    }
}

impl Text for InvitesResult {
    fn text(&self, page: &mut Page) {
        if self.invites.is_empty() {
            page.line("no invites");
            page.next("p2p invite");
        }
        for invite in &self.invites {
            page.line(line(invite, page));
        }
    }
}

impl Text for Revoked {
    fn text(&self, page: &mut Page) {
        page.line(format!("revoked invite {}", self.revoked));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::NOW_MS;

    #[test]
    fn a_token_comes_with_what_its_holder_types() {
        let invite =
            InviteView { id: 3, uses_left: 2, expires_ms: NOW_MS + 7_200_000, created_ms: NOW_MS };
        let (token, npub) = ("p2pi1abc".to_owned(), "npub1x".to_owned());
        let mut page = Page::new(NOW_MS);
        InviteResult { invite, token, npub }.text(&mut page);
        assert_eq!(
            page.finish(None),
            "p2pi1abc\ninvite 3: 2 uses left, good for 2h\n\
             whoever has it may ring; it is not shown again. For whom it is meant:\n  \
             p2p call npub1x \"<topic>\" --invite p2pi1abc\nnext: p2p wait --for ring\n"
        );
    }
}
