//! The messages that logs and traces share.

use super::fault::Fault;
use super::reader::{Known, Reader, delimited, fixed_64, integer};
use crate::otlp::library::Library;
use crate::otlp::value::{Scalar, Value};

/// A `KeyValue`: the name of an attribute and its value.
#[inline]
pub(super) fn key_value((message, depth): (&[u8], u32)) -> Result<(&str, Value<'_>), Fault> {
    const KEY: u64 = delimited(1);
    const VALUE: u64 = delimited(2);
    const KEY_STRINDEX: u64 = integer(3);
    const KNOWN: Known = Known::new(&[1, 2, 3]);
    let (mut name, mut value) = ("", Value::Absent);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            KEY => name = reader.text()?,
            VALUE => any_value(reader.message(depth)?, &mut value)?,
            KEY_STRINDEX => drop(reader.varint()?),
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    Ok((name, value))
}

/// An `AnyValue`, merged into what was read of it before.
#[inline]
pub(super) fn any_value<'b>(
    (message, depth): (&'b [u8], u32),
    value: &mut Value<'b>,
) -> Result<(), Fault> {
    const STRING: u64 = delimited(1);
    const BOOL: u64 = integer(2);
    const INT: u64 = integer(3);
    const DOUBLE: u64 = fixed_64(4);
    const ARRAY: u64 = delimited(5);
    const MAP: u64 = delimited(6);
    const BYTES: u64 = delimited(7);
    const STRINDEX: u64 = integer(8);
    const KNOWN: Known = Known::new(&[1, 2, 3, 4, 5, 6, 7, 8]);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        *value = match key {
            STRING => Value::Scalar(Scalar::Text(reader.text()?)),
            BOOL => Value::Scalar(Scalar::Bool(reader.varint()? != 0)),
            INT => Value::Scalar(Scalar::Int(reader.varint()?.cast_signed())),
            DOUBLE => Value::Scalar(Scalar::Double(f64::from_bits(reader.eight_bytes()?))),
            ARRAY => {
                array(reader.message(depth)?)?;
                Value::Other
            }
            MAP => {
                let held = match *value {
                    Value::Map(held) => held,
                    Value::Absent | Value::Scalar(_) | Value::Other => None,
                };
                Value::Map(map(reader.message(depth)?, held)?)
            }
            BYTES => {
                reader.bytes()?;
                Value::Other
            }
            STRINDEX => {
                reader.varint()?;
                Value::Other
            }
            key => {
                reader.skip(key, KNOWN, depth)?;
                continue;
            }
        };
    }
    Ok(())
}

/// An `ArrayValue`: nothing of it is kept.
fn array((message, depth): (&[u8], u32)) -> Result<(), Fault> {
    const VALUES: u64 = delimited(1);
    const KNOWN: Known = Known::new(&[1]);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            VALUES => any_value(reader.message(depth)?, &mut Value::Absent)?,
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    Ok(())
}

/// A `KeyValueList`: what its last member `value` holds, or what was `held` before.
fn map<'b>(
    (message, depth): (&'b [u8], u32),
    mut held: Option<Scalar<'b>>,
) -> Result<Option<Scalar<'b>>, Fault> {
    const VALUES: u64 = delimited(1);
    const KNOWN: Known = Known::new(&[1]);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            VALUES => {
                let (name, value) = key_value(reader.message(depth)?)?;
                if name == "value" {
                    held = value.scalar();
                }
            }
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    Ok(held)
}

/// A `Resource`, merged: the SDK that its attributes name.
pub(super) fn resource<'b>(
    (message, depth): (&'b [u8], u32),
    sdk: &mut Library<'b>,
) -> Result<(), Fault> {
    const ATTRIBUTES: u64 = delimited(1);
    const DROPPED: u64 = integer(2);
    const ENTITY_REFS: u64 = delimited(3);
    const KNOWN: Known = Known::new(&[1, 2, 3]);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            ATTRIBUTES => {
                let (name, value) = key_value(reader.message(depth)?)?;
                sdk.attribute(name, value);
            }
            DROPPED => drop(reader.varint()?),
            ENTITY_REFS => entity_ref(reader.message(depth)?)?,
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    Ok(())
}

fn entity_ref((message, depth): (&[u8], u32)) -> Result<(), Fault> {
    const SCHEMA_URL: u64 = delimited(1);
    const TYPE: u64 = delimited(2);
    const ID_KEYS: u64 = delimited(3);
    const DESCRIPTION_KEYS: u64 = delimited(4);
    const KNOWN: Known = Known::new(&[1, 2, 3, 4]);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            SCHEMA_URL | TYPE | ID_KEYS | DESCRIPTION_KEYS => drop(reader.text()?),
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    Ok(())
}

/// An `InstrumentationScope`, merged.
pub(super) fn scope<'b>(
    (message, depth): (&'b [u8], u32),
    scope: &mut Library<'b>,
) -> Result<(), Fault> {
    const NAME: u64 = delimited(1);
    const VERSION: u64 = delimited(2);
    const ATTRIBUTES: u64 = delimited(3);
    const DROPPED: u64 = integer(4);
    const KNOWN: Known = Known::new(&[1, 2, 3, 4]);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            NAME => scope.name = reader.text()?,
            VERSION => scope.version = reader.text()?,
            ATTRIBUTES => drop(key_value(reader.message(depth)?)?),
            DROPPED => drop(reader.varint()?),
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    Ok(())
}
