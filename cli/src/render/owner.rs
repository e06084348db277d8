//! The human behind this agent: the owners, pairing, and the results of owner commands.

use p2p_ipc::method::{OwnerCommandResult, OwnerResult, PairingCode};
use p2p_ipc::view::OwnerView;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde::Serialize;

use super::page::Page;
use super::screen::Screen;
use super::text::Text;
use super::units::{clock, date};
use super::words::in_vain;
use p2p_client::wait::WaitReport;

/// A pairing code, with the report of the wait for the human.
#[derive(Debug, Serialize)]
pub struct Pairing {
    #[serde(flatten)]
    code: PairingCode,
    /// True if a human was paired; null if `pair` did not wait.
    reached: Option<bool>,
    waiting: Option<WaitReport>,
    /// The paired owner.
    owner: Option<OwnerView>,
    #[serde(skip)]
    picture: bool,
    #[serde(skip)]
    waits: bool,
    #[serde(skip)]
    announced: bool,
}

/// Result of changing the passphrase.
#[derive(Debug, Serialize)]
pub struct Passphrase {
    /// True if a passphrase is set now.
    pub set: bool,
}

impl Pairing {
    /// Creates a pairing. `waits` tells that the verb waits for the human; `picture` adds a QR code
    /// for a phone's camera, for terminals only.
    #[must_use]
    pub fn new(code: PairingCode, waits: bool, picture: bool) -> Self {
        Self { code, reached: None, waiting: None, owner: None, picture, waits, announced: false }
    }

    /// Shows the code before the wait.
    pub fn announce(&mut self, screen: Screen) {
        if screen.json {
            screen.progress(&format!("code: {}  to: {}", self.code.code, self.code.npub));
        } else {
            // A closed stdout is noticed when the result is shown.
            let _ = screen.announce(&*self);
        }
        self.announced = true;
    }

    /// Records the result of the wait.
    pub fn waited(&mut self, waiting: WaitReport, owner: Option<OwnerView>) {
        self.reached = Some(waiting.reached);
        self.waiting = Some(waiting);
        self.owner = owner;
    }

    /// Returns the paired owner.
    #[must_use]
    pub const fn paired(&self) -> Option<&OwnerView> {
        self.owner.as_ref()
    }

    fn invitation(&self, page: &mut Page) {
        page.line(format!("code: {}", self.code.code));
        page.line(format!("to: {}", self.code.npub));
        if self.picture
            && let Some(picture) = picture(&self.code.uri)
        {
            page.picture(&picture);
        }
        page.line("The human sends the code to that key, from any Nostr app with private messages");
        page.line(format!(
            "(NIP-17: Amethyst, 0xchat, …). Whoever sends it first owns this agent; {} left.",
            page.until(self.code.expires_ms)
        ));
    }
}

impl Text for Pairing {
    fn text(&self, page: &mut Page) {
        if !self.announced {
            self.invitation(page);
        }
        match (&self.owner, self.waiting) {
            (Some(owner), _) => {
                page.line(format!("paired: {} owns this agent", owner.npub));
                page.next("p2p owner passphrase");
            }
            (None, Some(waiting)) => {
                page.line(format!("{} nobody has sent the code", in_vain(waiting)));
                page.next("p2p owner show");
            }
            // The wait has not ended.
            (None, None) if self.waits => {}
            (None, None) => page.next("p2p owner show"),
        }
    }
}

/// Draws a QR code, two rows per line, black on white whatever the terminal's colours.
fn picture(uri: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(uri, EcLevel::L).ok()?;
    let rows = code.render::<Dense1x2>().build();
    Some(rows.lines().map(|row| format!("\u{1b}[30;107m{row}\u{1b}[0m\n")).collect())
}

impl Text for OwnerResult {
    fn text(&self, page: &mut Page) {
        for owner in &self.owners {
            let muted = match owner.muted_until_ms {
                Some(until) => format!(", muted until {}", clock(until)),
                None => String::new(),
            };
            page.line(format!("owner {} since {}{muted}", owner.npub, date(owner.since_ms)));
        }
        if self.owners.is_empty() {
            page.line("nobody owns this agent");
            page.next("p2p owner pair");
        }
        if let Some(pairing) = self.pairing {
            page.line(format!(
                "pairing code active, {} left, {} tries",
                page.until(pairing.expires_ms),
                pairing.tries_left
            ));
            page.next("p2p owner show");
        }
        let passphrase = if self.passphrase { "set" } else { "none" };
        page.line(format!("passphrase: {passphrase}  policy: {}", self.policy));
        for channel in &self.notifiers {
            page.line(super::status::channel(channel, page));
        }
    }
}

impl Text for OwnerCommandResult {
    fn text(&self, page: &mut Page) {
        // Written by our daemon; lines that a peer wrote are marked in it.
        page.quote("", &self.text);
    }
}

impl Text for Passphrase {
    fn text(&self, page: &mut Page) {
        let now = if self.set { "the passphrase is set" } else { "no passphrase is set" };
        page.line(now);
        page.next("p2p owner show");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{self, NOW_MS};

    fn text_of(value: &impl Text) -> String {
        let mut page = Page::new(NOW_MS);
        value.text(&mut page);
        page.finish(None)
    }

    fn code() -> PairingCode {
        let npub = samples::peer().npub;
        let uri = format!("nostr:{npub}");
        PairingCode { code: "K7QX-3M9P".into(), expires_ms: NOW_MS + 600_000, npub, uri }
    }

    fn owner() -> OwnerView {
        let (npub, hex) = (samples::peer().npub, samples::peer().hex);
        OwnerView { npub, hex, since_ms: NOW_MS, muted_until_ms: Some(NOW_MS + 3_600_000) }
    }

    #[test]
    fn a_code_is_shown_with_where_to_send_it_and_a_picture_on_a_terminal_alone() {
        let text = text_of(&Pairing::new(code(), false, false));
        assert!(text.starts_with("code: K7QX-3M9P\nto: npub1x7k"), "{text}");
        assert!(text.contains("; 10m left.\nnext: p2p owner show\n"), "{text}");
        assert!(!text.contains('\u{1b}'));
        let drawn = text_of(&Pairing::new(code(), true, true));
        assert!(!drawn.contains("next:"), "it goes on");
        // Version 4 is 33 modules wide; two module rows per line, and a margin of four.
        let rows: Vec<&str> =
            drawn.lines().filter(|line| line.contains("\u{1b}[30;107m")).collect();
        assert_eq!(rows.len(), (33usize + 8).div_ceil(2));
        assert!(rows.iter().all(|row| row.chars().filter(|c| " ▀▄█".contains(*c)).count() == 41));
    }

    #[test]
    fn who_was_paired_is_said_and_the_code_is_not_said_twice() {
        let mut pairing = Pairing::new(code(), true, true);
        pairing.announced = true;
        pairing
            .waited(WaitReport { reached: true, waited_s: 9, interrupted: false }, Some(owner()));
        let paired =
            format!("paired: {} owns this agent\nnext: p2p owner passphrase\n", owner().npub);
        assert_eq!(text_of(&pairing), paired);
        pairing.waited(WaitReport { reached: false, waited_s: 9, interrupted: false }, None);
        let text = text_of(&pairing);
        assert_eq!(text, "nothing yet (9 s). nobody has sent the code\nnext: p2p owner show\n");
        let json = serde_json::to_value(&pairing).unwrap();
        assert_eq!((&json["code"], &json["reached"]), (&"K7QX-3M9P".into(), &false.into()));
    }

    #[test]
    fn the_state_says_who_owns_the_agent_and_what_is_open() {
        let pairing =
            Some(p2p_ipc::view::PairingView { expires_ms: NOW_MS + 540_000, tries_left: 4 });
        let mut state = OwnerResult {
            owners: vec![owner()],
            pairing,
            passphrase: true,
            policy: "ask".into(),
            notifiers: Vec::new(),
        };
        let text = text_of(&state);
        assert!(text.contains(" since 2026-03-01 14:02Z, muted until 15:02Z\n"), "{text}");
        assert!(
            text.contains("pairing code active, 9m left, 4 tries\npassphrase: set  policy: ask\n")
        );
        state.owners.clear();
        state.pairing = None;
        let nobody = "nobody owns this agent\npassphrase: set  policy: ask\nnext: p2p owner pair\n";
        assert_eq!(text_of(&state), nobody);
    }

    #[test]
    fn what_an_owner_is_told_keeps_a_peers_lines_marked() {
        let told = OwnerCommandResult { text: "c7 with bob:\n│ bob: hi\u{1b}[2J".into() };
        assert_eq!(text_of(&told), "c7 with bob:\n│ bob: hi\n");
    }
}
