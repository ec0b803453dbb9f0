//! What goes into a statement and what comes out: three types and nothing, on every engine.

use ringwall_base::{Tenant, Timestamp};
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::StoreError;

/// One value of the shared subset.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// `BLOB`.
    Blob(Vec<u8>),
    /// `BIGINT`.
    Integer(i64),
    /// SQL `NULL`.
    Null,
    /// `TEXT`.
    Text(String),
}

/// One row of an answer. Columns are taken by position, from zero.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row(Vec<Value>);

/// A Rust type that a column can be read as.
pub trait Column: Sized {
    /// Converts, or `None` when the value is of another type or out of range.
    fn from_value(value: &Value) -> Option<Self>;
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// Reads one column.
    ///
    /// # Errors
    /// [`StoreError::Column`] when there is no such column, or it holds another type.
    pub fn get<T: Column>(&self, index: usize) -> Result<T, StoreError> {
        self.0.get(index).and_then(T::from_value).ok_or(StoreError::Column { index })
    }
}

impl Column for Value {
    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl Column for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            Value::Blob(_) | Value::Integer(_) | Value::Null => None,
        }
    }
}

impl Column for Vec<u8> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes.clone()),
            Value::Integer(_) | Value::Null | Value::Text(_) => None,
        }
    }
}

impl Column for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(*number),
            Value::Blob(_) | Value::Null | Value::Text(_) => None,
        }
    }
}

impl Column for u64 {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).and_then(|number| Self::try_from(number).ok())
    }
}

impl Column for u32 {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).and_then(|number| Self::try_from(number).ok())
    }
}

/// Zero and one; anything else is no boolean.
impl Column for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match i64::from_value(value)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Column for Timestamp {
    fn from_value(value: &Value) -> Option<Self> {
        u64::from_value(value).map(Self::from_micros)
    }
}

impl<T: Column> Column for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            Value::Blob(_) | Value::Integer(_) | Value::Text(_) => T::from_value(value).map(Some),
        }
    }
}

impl Column for Tenant {
    fn from_value(value: &Value) -> Option<Self> {
        Self::parse(&String::from_value(value)?)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

/// A number above `i64::MAX` becomes `i64::MAX`: no count or time of ours comes near.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(is: bool) -> Self {
        Self::Integer(i64::from(is))
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::from(at.micros())
    }
}

impl From<&Tenant> for Value {
    fn from(tenant: &Tenant) -> Self {
        Self::from(tenant.as_str())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A REAL cannot come from our statements; read as `NULL`, it fails as a column of any type.
impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Self::Text(text.to_owned()),
                // Not text any more: only a damaged file holds it, and no caller takes it for text.
                Err(_) => Self::Blob(text.to_vec()),
            },
            ValueRef::Null | ValueRef::Real(_) => Self::Null,
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Null => ValueRef::Null,
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}
