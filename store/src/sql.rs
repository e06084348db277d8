//! Statements and cells: rows become typed values, and text is sealed and opened.

use std::str::FromStr;

use p2p_core::{Conversation, Time};
use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Connection, Params, Row};

use crate::codes::DiskCode;
use crate::conversation::parse_conversation_key;
use crate::error::StoreError;
use crate::seal::Vault;

type Result<T> = std::result::Result<T, StoreError>;

/// A table: its name in errors, and what sealed values are bound to.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) key: &'static [&'static str],
}

/// A connection and the key to its text.
#[derive(Clone, Copy)]
pub(crate) struct Db<'a> {
    pub(crate) sql: &'a Connection,
    pub(crate) vault: &'a Vault,
}

impl<'a> Db<'a> {
    /// Runs a statement. Returns how many rows it changed.
    pub(crate) fn run(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.sql.prepare_cached(sql)?.execute(params)?)
    }

    /// Returns every row of a query.
    pub(crate) fn all<T>(
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

    /// Returns the first row of a query.
    pub(crate) fn first<T>(
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

    /// Returns the number of a query that always has one row.
    pub(crate) fn number(&self, sql: &str, params: impl Params) -> Result<i64> {
        Ok(self.sql.prepare_cached(sql)?.query_row(params, |row| row.get(0))?)
    }

    /// Returns [`Self::number`] as a count.
    pub(crate) fn count(&self, sql: &str, params: impl Params) -> Result<u32> {
        Ok(u32::try_from(self.number(sql, params)?).unwrap_or(u32::MAX))
    }

    /// Returns the place to which the sealed text of a row is bound.
    pub(crate) fn place(&self, table: &'static Table, row: impl ToString) -> Place<'a> {
        Place { vault: self.vault, table, row: row.to_string() }
    }
}

/// A row to which sealed values are bound.
pub(crate) struct Place<'a> {
    vault: &'a Vault,
    table: &'static Table,
    row: String,
}

impl Place<'_> {
    fn aad(&self, column: &str) -> Vec<u8> {
        format!("{}/{}/{column}", self.table.name, self.row).into_bytes()
    }

    /// Seals a value for one of its columns.
    pub(crate) fn seal(&self, column: &str, plain: impl AsRef<[u8]>) -> Result<Vec<u8>> {
        self.vault.seal(&self.aad(column), plain.as_ref())
    }

    /// Seals a value that may be missing.
    pub(crate) fn seal_opt(&self, column: &str, plain: Option<&str>) -> Result<Option<Vec<u8>>> {
        plain.map(|plain| self.seal(column, plain)).transpose()
    }

    /// Seals a value as JSON.
    pub(crate) fn seal_json(&self, column: &str, value: &impl serde::Serialize) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(value)
            .map_err(|_| self.corrupt(column, "cannot be written as JSON"))?;
        self.seal(column, json)
    }

    /// Returns the error for a column that does not hold what it should.
    pub(crate) fn corrupt(&self, column: &str, problem: &str) -> StoreError {
        let (table, row) = (self.table.name, self.row.clone());
        StoreError::Corrupt { table, row, problem: format!("its `{column}` {problem}") }
    }
}

/// The cells of a row that was read.
pub(crate) struct Cells<'a> {
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

    /// Returns the error for a column of this row.
    pub(crate) fn corrupt(&self, column: &str, problem: &str) -> StoreError {
        self.place().corrupt(column, problem)
    }

    /// Reads a value of SQLite's own types.
    fn plain<T: FromSql>(&self, column: &str) -> Result<T> {
        let cell = self.row.get_ref(column)?;
        T::column_result(cell).map_err(|_| self.corrupt(column, "has another type"))
    }

    /// Reads a column that may be empty.
    pub(crate) fn opt<T>(
        &self,
        column: &str,
        read: impl FnOnce(&Self, &str) -> Result<T>,
    ) -> Result<Option<T>> {
        match self.row.get_ref(column)? {
            ValueRef::Null => Ok(None),
            _ => read(self, column).map(Some),
        }
    }

    /// Reads an unsigned number.
    pub(crate) fn number(&self, column: &str) -> Result<u64> {
        self.plain::<i64>(column).map(i64::cast_unsigned)
    }

    /// Reads a handle or a count.
    pub(crate) fn small(&self, column: &str) -> Result<u32> {
        u32::try_from(self.plain::<i64>(column)?).map_err(|_| self.corrupt(column, "is too large"))
    }

    /// Reads a boolean.
    pub(crate) fn flag(&self, column: &str) -> Result<bool> {
        match self.plain::<i64>(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.corrupt(column, "is not 0 or 1")),
        }
    }

    /// Reads a time.
    pub(crate) fn time(&self, column: &str) -> Result<Time> {
        self.number(column).map(Time)
    }

    /// Reads an id.
    pub(crate) fn id<T: FromStr>(&self, column: &str) -> Result<T> {
        self.clear(column)?.parse().map_err(|_| self.corrupt(column, "is not an id"))
    }

    /// Reads text that is not sealed.
    pub(crate) fn clear(&self, column: &str) -> Result<String> {
        self.plain(column)
    }

    /// Reads an enum value by its disk code.
    pub(crate) fn code<T: DiskCode>(&self, column: &str) -> Result<T> {
        T::from_code(&self.clear(column)?).ok_or_else(|| self.corrupt(column, "is unknown"))
    }

    /// Reads the conversation that a row belongs to.
    pub(crate) fn conversation(&self) -> Result<Conversation> {
        parse_conversation_key(&self.clear("conversation")?)
            .ok_or_else(|| self.corrupt("conversation", "is unknown"))
    }

    /// Opens sealed bytes.
    pub(crate) fn bytes(&self, column: &str) -> Result<Vec<u8>> {
        let sealed: Vec<u8> = self.plain(column)?;
        let place = self.place();
        place
            .vault
            .open(&place.aad(column), &sealed)
            .ok_or_else(|| place.corrupt(column, "does not open: it was tampered with"))
    }

    /// Opens sealed text.
    pub(crate) fn text(&self, column: &str) -> Result<String> {
        String::from_utf8(self.bytes(column)?).map_err(|_| self.corrupt(column, "is not UTF-8"))
    }

    /// Opens sealed JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_slice(&self.bytes(column)?)
            .map_err(|_| self.corrupt(column, "is not the JSON it should be"))
    }
}
