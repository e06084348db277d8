//! Settings of earlier versions. A file that still has one stays readable.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

/// Retired settings: the table and the key.
const RETIRED: &[(&str, &str)] = &[("limits", "courtesy")];

/// Parses the file without its retired settings, and returns the names of those that it has.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<(T, Vec<String>), Error> {
    let mut root = DeTable::parse(text)?;
    let mut found = Vec::new();
    for (table, key) in RETIRED {
        let Some(DeValue::Table(entries)) = root.get_mut().get_mut(*table).map(Spanned::get_mut)
        else {
            continue;
        };
        found.extend(entries.remove(*key).map(|_| format!("{table}.{key}")));
    }
    Ok((T::deserialize(Deserializer::from(root))?, found))
}
