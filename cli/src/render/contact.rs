//! Contacts.

use p2p_ipc::method::{ContactsResult, EditContactResult};
use p2p_ipc::view::ContactView;
use serde::Serialize;

use super::clean;
use super::page::Page;
use super::text::Text;
use super::words::{argument, name};

/// A contact that was changed.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// The change: `added`, `allowed`, `blocked`, `removed`.
    pub action: &'static str,
    /// The contact.
    #[serde(flatten)]
    pub edited: EditContactResult,
}

fn line(contact: &ContactView) -> String {
    let standing = match &contact.peer.name {
        _ if contact.blocked => "  blocked",
        None => "  allowed, unnamed",
        Some(_) => "",
    };
    let plain = if contact.speaks_p2p { "" } else { "  no sign yet that it is an agent of p2p" };
    format!("{}  {}{standing}{plain}", name(&contact.peer), contact.peer.npub)
}

impl Text for ContactsResult {
    fn text(&self, page: &mut Page) {
        if self.contacts.is_empty() {
            page.line("no contacts");
            page.next("p2p contacts add <npub> <name>");
        }
        for contact in &self.contacts {
            page.line(line(contact));
        }
    }
}

impl Text for Changed {
    fn text(&self, page: &mut Page) {
        let EditContactResult { contact, renamed_from } = &self.edited;
        match renamed_from {
            Some(old) => {
                let now = name(&contact.peer);
                page.line(format!(
                    "renamed from {} to {now}  {}",
                    clean::short(old, 40),
                    contact.peer.npub
                ));
            }
            None => page.line(format!("{} {}", self.action, line(contact))),
        }
        if self.action == "added" || self.action == "allowed" {
            page.next(format!("p2p call {} \"<topic>\"", argument(&contact.peer)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    fn text_of(value: &impl Text) -> String {
        let mut page = Page::new(samples::NOW_MS);
        value.text(&mut page);
        page.finish(None)
    }

    #[test]
    fn a_key_that_was_only_called_is_no_named_contact_and_a_new_name_says_the_old_one() {
        let contact = |peer| ContactView { peer, blocked: false, added_ms: 0, speaks_p2p: true };
        let (bob, ana) = (contact(samples::peer()), contact(samples::stranger()));
        let npub = &bob.peer.npub;
        let listed = ContactsResult { contacts: vec![bob.clone(), ana] };
        let lines = format!("bob  {npub}\n~\"Ana\"  {npub}  allowed, unnamed\n");
        assert_eq!(text_of(&listed), lines);
        let edited = EditContactResult { contact: bob.clone(), renamed_from: Some("rob".into()) };
        let next = "next: p2p call bob \"<topic>\"\n";
        assert_eq!(
            text_of(&Changed { action: "added", edited }),
            format!("renamed from rob to bob  {npub}\n{next}")
        );
    }
}
