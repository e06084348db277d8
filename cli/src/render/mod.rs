//! The only layer that prints. A verb hands over a typed value; this turns it into text for an
//! agent's context window, or into the one JSON line of `--json`.

pub mod call;
pub mod clean;
pub mod contact;
pub mod envelope;
pub mod file;
pub mod inbox;
pub mod invite;
pub mod owner;
pub mod page;
pub mod purge;
pub mod question;
pub mod readers;
#[cfg(test)]
pub mod samples;
pub mod screen;
pub mod service;
pub mod status;
pub mod stream;
pub mod transcript;
pub mod verify;
pub mod words;

use serde::Serialize;
use serde_json::Value;

pub use page::Page;
pub use screen::Screen;

/// Something that has a text form.
pub trait Text {
    /// Writes it onto the page.
    fn text(&self, page: &mut Page);
}

/// Something that has both forms. Whatever has a [`Text`] form and serializes does.
pub trait Render {
    /// The text form.
    fn text(&self, page: &mut Page);

    /// The JSON form.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    fn json(&self) -> serde_json::Result<Value>;
}

impl<T: Text + Serialize> Render for T {
    fn text(&self, page: &mut Page) {
        Text::text(self, page);
    }

    fn json(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self)
    }
}
