//! The two forms of a result: text and JSON.

use serde::Serialize;
use serde_json::Value;

use super::page::Page;

/// A value with a text form.
pub trait Text {
    /// Writes the value onto the page.
    fn text(&self, page: &mut Page);
}

/// A value with both forms: every serializable value with a [`Text`] form.
pub trait Render {
    /// Writes the text form onto the page.
    fn text(&self, page: &mut Page);

    /// Returns the JSON form.
    ///
    /// # Errors
    /// Fails if the value cannot be written as JSON.
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
