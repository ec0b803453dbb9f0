//! How lists and objects are written in one text: the styles of OpenAPI.

use ringwall_base::ParameterPlace;

use crate::compile::short;
use crate::schema::Types;
use crate::value::Written;

/// How a parameter is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    /// `name[key]=value`.
    Deep,
    /// One text, its parts separated by the character.
    Joined(char),
    /// `content`: one JSON text.
    Json,
    /// `.a.b` when exploded, else `.a,b` (RFC 6570 section 3.2.5).
    Label { explode: bool },
    /// `;name=a;name=b` when exploded, else `;name=a,b` (RFC 6570 section 3.2.7).
    Matrix { explode: bool },
    /// One `name=value` for each element, or `key=value` for each member; in one text `key=value`
    /// with commas.
    Spread,
    /// `content`: one plain text.
    Text,
}

impl Style {
    /// The style of a parameter, with the defaults of its place.
    pub(crate) fn read(
        place: ParameterPlace,
        style: Option<&str>,
        explode: Option<bool>,
    ) -> Result<Self, String> {
        let is_query = matches!(place, ParameterPlace::Query | ParameterPlace::Cookie);
        let explode = explode.unwrap_or(is_query && matches!(style, None | Some("form")));
        Ok(match style {
            None | Some("form") if is_query && explode => Self::Spread,
            None | Some("form") if is_query => Self::Joined(','),
            // `simple` with `explode` writes `key=value`, which `Spread` means outside queries.
            None | Some("simple") if !is_query && explode => Self::Spread,
            None | Some("simple") if !is_query => Self::Joined(','),
            Some("deepObject") if place == ParameterPlace::Query => Self::Deep,
            Some("label") if place == ParameterPlace::Path => Self::Label { explode },
            Some("matrix") if place == ParameterPlace::Path => Self::Matrix { explode },
            Some("spaceDelimited") if is_query && !explode => Self::Joined(' '),
            Some("pipeDelimited") if is_query && !explode => Self::Joined('|'),
            Some("spaceDelimited" | "pipeDelimited") if is_query => Self::Spread,
            style => {
                return Err(format!(
                    "style `{}` is not supported here",
                    short(style.unwrap_or(""))
                ));
            }
        })
    }

    /// Whether something stands before the value that does not belong to it.
    pub(super) const fn is_cut_off(self) -> bool {
        matches!(self, Self::Label { .. } | Self::Matrix { .. })
    }

    /// The parts of a text; one where the types want no list and no object. `None`: the text is not
    /// in this style.
    pub(super) fn cut(self, name: &str, text: &str, types: Types) -> Option<Vec<String>> {
        let is_whole = !types.has(Types::ARRAY.with(Types::OBJECT));
        let split = |text: &str, separator: char| {
            if is_whole {
                return vec![text.to_owned()];
            }
            text.split(separator).map(str::to_owned).collect()
        };
        match self {
            Self::Joined(separator) => Some(split(text, separator)),
            Self::Label { explode } => {
                let rest = text.strip_prefix('.')?;
                Some(split(rest, if explode { '.' } else { ',' }))
            }
            Self::Matrix { explode } => {
                let rest = text.strip_prefix(';')?;
                let named = |part: &str| {
                    let (key, value) = part.split_once('=').unwrap_or((part, ""));
                    (key == name).then(|| value.to_owned())
                };
                if !explode || is_whole {
                    return named(rest).map(|value| split(&value, ','));
                }
                if types.has(Types::ARRAY) {
                    return rest.split(';').map(named).collect();
                }
                Some(rest.split(';').map(str::to_owned).collect())
            }
            Self::Deep | Self::Json | Self::Spread | Self::Text => Some(split(text, ',')),
        }
    }

    /// `a,1,b,2`, or `a=1,b=2` when exploded.
    pub(super) fn members<'p>(self, parts: &[&'p str]) -> Vec<(&'p str, Written<'p>)> {
        let is_named = matches!(
            self,
            Self::Spread | Self::Label { explode: true } | Self::Matrix { explode: true }
        );
        let pairs: Vec<(&str, &str)> = if is_named {
            parts.iter().map(|part| part.split_once('=').unwrap_or((part, ""))).collect()
        } else {
            let pair = |chunk: &[&'p str]| {
                let mut chunk = chunk.iter().copied();
                (chunk.next().unwrap_or_default(), chunk.next().unwrap_or_default())
            };
            parts.chunks(2).map(pair).collect()
        };
        let written = |(part, (name, text))| (name, Written { text, pair: 0, part });
        pairs.into_iter().enumerate().map(written).collect()
    }
}
