//! The columns of the two kinds of files. Names and meanings are part of the format: other programs read them.

use std::fmt::Write;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor};

/// How many different columns there are.
pub(super) const N_FIELDS: usize = 25;

/// A column. The number is its slot in memory and in the index of a file; it never changes meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Field {
    Project = 0,
    UserId = 1,
    UserUuid = 2,
    DeviceId = 3,
    DeviceUuid = 4,
    Kind = 5,
    EventType = 6,
    FlagKey = 7,
    Variant = 8,
    ExperimentKey = 9,
    Time = 10,
    Received = 11,
    Sequence = 12,
    InsertId = 13,
    InsertUuid = 14,
    WritesExposed = 15,
    WriteFlag = 16,
    WriteVariant = 17,
    Effects = 18,
    Properties = 19,
    PropertiesBytes = 20,
    Key = 21,
    Library = 22,
    Notes = 23,
    Position = 24,
}

/// How the values of a column are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Present in every row, of this many bytes.
    Fixed(usize),
    /// One bit, present in every row.
    Bool,
    /// 16 bytes, or null.
    Uuid,
    /// A length and bytes, or null.
    Bytes,
    /// A number into the row group's dictionary, or null.
    Dictionary,
    /// The same, any number to a row; `true`: each of them may be null.
    List(bool),
}

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    /// Every event, by profile.
    Events,
    /// Events with a user and a device, by device, without their content.
    Links,
}

impl Field {
    const ALL: [Self; N_FIELDS] = [
        Self::Project,
        Self::UserId,
        Self::UserUuid,
        Self::DeviceId,
        Self::DeviceUuid,
        Self::Kind,
        Self::EventType,
        Self::FlagKey,
        Self::Variant,
        Self::ExperimentKey,
        Self::Time,
        Self::Received,
        Self::Sequence,
        Self::InsertId,
        Self::InsertUuid,
        Self::WritesExposed,
        Self::WriteFlag,
        Self::WriteVariant,
        Self::Effects,
        Self::Properties,
        Self::PropertiesBytes,
        Self::Key,
        Self::Library,
        Self::Notes,
        Self::Position,
    ];

    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::Project | Self::Key => Shape::Fixed(4),
            Self::Time | Self::Received | Self::Sequence | Self::Position => Shape::Fixed(8),
            Self::UserUuid | Self::DeviceUuid | Self::InsertUuid => Shape::Uuid,
            Self::UserId
            | Self::DeviceId
            | Self::InsertId
            | Self::Properties
            | Self::PropertiesBytes => Shape::Bytes,
            Self::WritesExposed => Shape::Bool,
            Self::WriteFlag => Shape::List(false),
            Self::WriteVariant => Shape::List(true),
            Self::Kind
            | Self::EventType
            | Self::FlagKey
            | Self::Variant
            | Self::ExperimentKey
            | Self::Effects
            | Self::Library
            | Self::Notes => Shape::Dictionary,
        }
    }

    /// Whether its pages hold numbers into a dictionary.
    pub(super) const fn has_dictionary(self) -> bool {
        matches!(self.shape(), Shape::Dictionary | Shape::List(_))
    }

    /// The column in the notation of Parquet's schemas.
    const fn declaration(self) -> &'static str {
        match self {
            Self::Project => "required int32 project (INTEGER(32,false));",
            Self::UserId => "optional binary user_id (STRING);",
            Self::UserUuid => "optional fixed_len_byte_array(16) user_uuid (UUID);",
            Self::DeviceId => "optional binary device_id (STRING);",
            Self::DeviceUuid => "optional fixed_len_byte_array(16) device_uuid (UUID);",
            Self::Kind => "optional binary kind (STRING);",
            Self::EventType => "optional binary event_type (STRING);",
            Self::FlagKey => "optional binary flag_key (STRING);",
            Self::Variant => "optional binary variant (STRING);",
            Self::ExperimentKey => "optional binary experiment_key (STRING);",
            Self::Time => "required int64 time (TIMESTAMP(MICROS,true));",
            Self::Received => "required int64 received (TIMESTAMP(MICROS,true));",
            Self::Sequence => "required int64 sequence;",
            Self::InsertId => "optional binary insert_id (STRING);",
            Self::InsertUuid => "optional fixed_len_byte_array(16) insert_uuid (UUID);",
            Self::WritesExposed => "required boolean writes_exposed;",
            Self::WriteFlag => {
                "required group writes (LIST) { repeated group list { required group element { \
                 required binary flag_key (STRING);"
            }
            Self::WriteVariant => "optional binary variant (STRING); } } }",
            Self::Effects => "optional binary effects (STRING);",
            Self::Properties => "optional binary properties (STRING);",
            Self::PropertiesBytes => "optional binary properties_bytes;",
            Self::Key => "required int32 api_key (INTEGER(32,false));",
            Self::Library => "optional binary library (STRING);",
            Self::Notes => "optional binary notes (STRING);",
            Self::Position => "required int64 position;",
        }
    }
}

impl Table {
    /// The columns of a file, in its order.
    pub(super) const fn fields(self) -> &'static [Field] {
        match self {
            Self::Events => &Field::ALL,
            Self::Links => &[
                Field::Project,
                Field::UserId,
                Field::UserUuid,
                Field::DeviceId,
                Field::DeviceUuid,
                Field::Time,
                Field::Received,
                Field::Position,
            ],
        }
    }

    /// The directory under the data directory.
    pub(super) const fn dir(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Links => "links",
        }
    }

    pub(super) fn schema(self) -> Result<SchemaDescPtr, ParquetError> {
        let mut message = String::new();
        let written = write!(message, "message {} {{ ", self.dir()).and_then(|()| {
            self.fields().iter().try_for_each(|field| message.write_str(field.declaration()))
        });
        written.map_err(|error| ParquetError::General(error.to_string()))?;
        message.push('}');
        Ok(Arc::new(SchemaDescriptor::new(Arc::new(parse_message_type(&message)?))))
    }
}
