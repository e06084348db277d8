//! Statements and cells: where rows become typed values and text is sealed and opened.

use std::str::FromStr;

use p2p_core::{Conversation, Time};
use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Connection, Params, Row};

use super::conversation::parse_conversation_key;
use super::error::StoreError;
use super::seal::Vault;
use super::words::Word;

type Result<T> = std::result::Result<T, StoreError>;

/// A table, for messages and for what sealed values are bound to.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) key: &'static [&'static str],
}

/// A connection and the key to its text.
#[derive(Clone, Copy)]
pub(super) struct Db<'a> {
    pub(super) sql: &'a Connection,
    pub(super) vault: &'a Vault,
}

impl<'a> Db<'a> {
    /// Runs a statement; how many rows it changed.
    pub(super) fn run(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.sql.prepare_cached(sql)?.execute(params)?)
    }

    /// Every row of a query.
    pub(super) fn all<T>(
        &self,
        table: &'static Table,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Cells<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.sql.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut values = Vec::new();
        while let Some(row) = rows.next()? {
            values.push(read(&Cells { row, vault: self.vault, table })?);
        }
        Ok(values)
    }

    /// The first row of a query.
    pub(super) fn first<T>(
        &self,
        table: &'static Table,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Cells<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.sql.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        rows.next()?.map(|row| read(&Cells { row, vault: self.vault, table })).transpose()
    }

    /// A number that a query always has.
    pub(super) fn number(&self, sql: &str, params: impl Params) -> Result<i64> {
        Ok(self.sql.prepare_cached(sql)?.query_row(params, |row| row.get(0))?)
    }

    /// [`Self::number`] as a count.
    pub(super) fn count(&self, sql: &str, params: impl Params) -> Result<u32> {
        Ok(u32::try_from(self.number(sql, params)?).unwrap_or(u32::MAX))
    }

    /// Where the text of a row that is about to be written belongs.
    pub(super) fn place(&self, table: &'static Table, row: impl ToString) -> Place<'a> {
        Place { vault: self.vault, table, row: row.to_string() }
    }
}

/// A row, as sealed values are bound to it.
pub(super) struct Place<'a> {
    vault: &'a Vault,
    table: &'static Table,
    row: String,
}

impl Place<'_> {
    fn aad(&self, column: &str) -> Vec<u8> {
        format!("{}/{}/{column}", self.table.name, self.row).into_bytes()
    }

    /// Seals a value for one of its columns.
    pub(super) fn seal(&self, column: &str, plain: impl AsRef<[u8]>) -> Result<Vec<u8>> {
        self.vault.seal(&self.aad(column), plain.as_ref())
    }

    /// The same for a value that may be missing.
    pub(super) fn seal_opt(&self, column: &str, plain: Option<&str>) -> Result<Option<Vec<u8>>> {
        plain.map(|plain| self.seal(column, plain)).transpose()
    }

    /// Seals a value as JSON.
    pub(super) fn seal_json(&self, column: &str, value: &impl serde::Serialize) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(value).map_err(|_| self.corrupt(column, "is no JSON"))?;
        self.seal(column, json)
    }

    /// Says that a column does not hold what it should.
    pub(super) fn corrupt(&self, column: &str, what: &str) -> StoreError {
        let (table, row) = (self.table.name, self.row.clone());
        StoreError::Corrupt { table, row, what: format!("its `{column}` {what}") }
    }
}

/// The cells of a row that was read.
pub(super) struct Cells<'a> {
    row: &'a Row<'a>,
    vault: &'a Vault,
    table: &'static Table,
}

impl Cells<'_> {
    fn place(&self) -> Place<'_> {
        let part = |column: &&str| match self.row.get_ref(*column) {
            Ok(ValueRef::Integer(number)) => number.cast_unsigned().to_string(),
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => "?".to_owned(),
        };
        let row = self.table.key.iter().map(part).collect::<Vec<_>>().join("/");
        Place { vault: self.vault, table: self.table, row }
    }

    /// An error about a column of this row.
    pub(super) fn corrupt(&self, column: &str, what: &str) -> StoreError {
        self.place().corrupt(column, what)
    }

    /// A value of SQLite's own types.
    fn plain<T: FromSql>(&self, column: &str) -> Result<T> {
        let cell = self.row.get_ref(column)?;
        T::column_result(cell).map_err(|_| self.corrupt(column, "has another type"))
    }

    /// Reads a column that may be empty.
    pub(super) fn opt<T>(
        &self,
        column: &str,
        read: impl FnOnce(&Self, &str) -> Result<T>,
    ) -> Result<Option<T>> {
        match self.row.get_ref(column)? {
            ValueRef::Null => Ok(None),
            _ => read(self, column).map(Some),
        }
    }

    /// An unsigned number.
    pub(super) fn number(&self, column: &str) -> Result<u64> {
        self.plain::<i64>(column).map(i64::cast_unsigned)
    }

    /// A handle or a count.
    pub(super) fn small(&self, column: &str) -> Result<u32> {
        u32::try_from(self.plain::<i64>(column)?).map_err(|_| self.corrupt(column, "is too large"))
    }

    /// Yes or no.
    pub(super) fn flag(&self, column: &str) -> Result<bool> {
        match self.plain::<i64>(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.corrupt(column, "is neither yes nor no")),
        }
    }

    /// A time.
    pub(super) fn time(&self, column: &str) -> Result<Time> {
        self.number(column).map(Time)
    }

    /// An id.
    pub(super) fn id<T: FromStr>(&self, column: &str) -> Result<T> {
        self.word(column)?.parse().map_err(|_| self.corrupt(column, "is no id"))
    }

    /// Text that is not sealed.
    pub(super) fn word(&self, column: &str) -> Result<String> {
        self.plain(column)
    }

    /// A value out of a closed set.
    pub(super) fn value<T: Word>(&self, column: &str) -> Result<T> {
        T::from_word(&self.word(column)?).ok_or_else(|| self.corrupt(column, "is unknown"))
    }

    /// What a row belongs to.
    pub(super) fn conversation(&self) -> Result<Conversation> {
        parse_conversation_key(&self.word("conversation")?)
            .ok_or_else(|| self.corrupt("conversation", "is unknown"))
    }

    /// Sealed bytes.
    pub(super) fn bytes(&self, column: &str) -> Result<Vec<u8>> {
        let sealed: Vec<u8> = self.plain(column)?;
        let place = self.place();
        place
            .vault
            .open(&place.aad(column), &sealed)
            .ok_or_else(|| place.corrupt(column, "does not open: it was tampered with"))
    }

    /// Sealed text.
    pub(super) fn text(&self, column: &str) -> Result<String> {
        String::from_utf8(self.bytes(column)?).map_err(|_| self.corrupt(column, "is no text"))
    }

    /// Sealed JSON.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_slice(&self.bytes(column)?)
            .map_err(|_| self.corrupt(column, "is not the JSON it should be"))
    }
}
