//! Contacts.

use p2p_ipc::method::ContactsResult;
use p2p_ipc::view::Contact;
use serde::Serialize;

use super::words::{argument, name};
use super::{Page, Text};

/// A contact that was changed.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// What was done: `added`, `allowed`, `blocked`, `removed`.
    pub done: &'static str,
    /// The contact.
    #[serde(flatten)]
    pub contact: Contact,
}

fn line(contact: &Contact) -> String {
    let blocked = if contact.blocked { "  blocked" } else { "" };
    let plain = if contact.speaks_p2p { "" } else { "  no sign yet that it is an agent of p2p" };
    format!("{}  {}{blocked}{plain}", name(&contact.peer), contact.peer.npub)
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
        page.line(format!("{} {}", self.done, line(&self.contact)));
        if self.done == "added" || self.done == "allowed" {
            page.next(format!("p2p call {} \"<topic>\"", argument(&self.contact.peer)));
        }
    }
}
