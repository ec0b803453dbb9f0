//! What `proto2`, `proto3` and editions say differently: protobuf.dev, "Feature Settings for Editions".

use crate::descriptor::each;
use crate::error::ReadError;

/// Features as they are written; what is not written comes from above.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Features {
    /// 1: explicit, 2: implicit, 3: required.
    pub(crate) presence: Option<u64>,
    /// 1: open, 2: closed.
    pub(crate) enum_type: Option<u64>,
    /// 2: verified, 3: not.
    pub(crate) utf8: Option<u64>,
    /// 1: with a length, 2: as a group.
    pub(crate) encoding: Option<u64>,
}

impl Features {
    /// What a file begins with, or `None`: nobody knows what this edition says.
    pub(crate) fn of_file(syntax: &str, edition: Option<u64>) -> Option<Self> {
        let [presence, enum_type, utf8] = match (syntax, edition) {
            ("" | "proto2", None) => [1, 2, 3],
            ("proto3", None) => [2, 1, 2],
            ("editions", Some(EDITION_2023 | EDITION_2024)) => [1, 1, 2],
            _ => return None,
        };
        let (presence, utf8) = (Some(presence), Some(utf8));
        Some(Self { presence, enum_type: Some(enum_type), utf8, encoding: Some(1) })
    }

    /// These, under what stands above them.
    pub(crate) fn under(self, above: Self) -> Self {
        Self {
            presence: self.presence.or(above.presence),
            enum_type: self.enum_type.or(above.enum_type),
            utf8: self.utf8.or(above.utf8),
            encoding: self.encoding.or(above.encoding),
        }
    }

    /// Reads them from options, where they stand at `place`.
    pub(crate) fn add_options(&mut self, options: &[u8], place: u32) -> Result<(), ReadError> {
        each(
            options,
            |number, value| {
                if number == place { self.add(value.bytes()?) } else { Ok(()) }
            },
        )
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        each(bytes, |number, value| {
            match number {
                1 => self.presence = Some(value.number()?),
                2 => self.enum_type = Some(value.number()?),
                4 => self.utf8 = Some(value.number()?),
                5 => self.encoding = Some(value.number()?),
                _ => {}
            }
            Ok(())
        })
    }

    pub(crate) fn is_required(self) -> bool {
        self.presence == Some(3)
    }

    pub(crate) fn is_closed(self) -> bool {
        self.enum_type == Some(2)
    }

    pub(crate) fn is_verified(self) -> bool {
        self.utf8 != Some(3)
    }

    pub(crate) fn is_group(self) -> bool {
        self.encoding == Some(2)
    }
}

const EDITION_2023: u64 = 1000;
const EDITION_2024: u64 = 1001;
