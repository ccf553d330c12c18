//! A reader and writer of CBOR (RFC 8949), as far as rpc-v2-cbor goes.

use std::fmt;

/// Items that nest deeper than this are refused.
const MAX_DEPTH: usize = 96;

/// One data item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Unsigned(u64),
    /// The number is `-1 - n`.
    Negative(u64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Item>),
    /// Keys must be text.
    Map(Vec<(String, Item)>),
    Tag(u64, Box<Item>),
    Bool(bool),
    /// `null` and `undefined`.
    Null,
    Float(f64),
}

/// Why bytes are not CBOR that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Truncated,
    TooDeep,
    NotUtf8,
    BadKey,
    Bignum,
    Reserved,
    Trailing,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Truncated => "the data ends in the middle of an item",
            Fault::TooDeep => "items nest too deep",
            Fault::NotUtf8 => "a text string is not UTF-8",
            Fault::BadKey => "a map's key is not a text string",
            Fault::Bignum => "big numbers are not supported",
            Fault::Reserved => "an item has a reserved or unexpected form",
            Fault::Trailing => "there is data after the item",
        })
    }
}

/// Reads exactly one item.
pub(crate) fn read(bytes: &[u8]) -> Result<Item, Fault> {
    let mut reader = Reader { rest: bytes };
    let item = reader.item(0)?;
    if reader.rest.is_empty() { Ok(item) } else { Err(Fault::Trailing) }
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// The length of a string or container.
enum Length {
    Known(u64),
    Indefinite,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Fault> {
        let (first, rest) = self.rest.split_first().ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, n: u64) -> Result<&'a [u8], Fault> {
        let n = usize::try_from(n).map_err(|_| Fault::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn big_endian(&mut self, n: u64) -> Result<u64, Fault> {
        Ok(self.take(n)?.iter().fold(0u64, |acc, b| (acc << 8) | u64::from(*b)))
    }

    fn argument(&mut self, info: u8) -> Result<Length, Fault> {
        Ok(Length::Known(match info {
            0..=23 => u64::from(info),
            24 => self.big_endian(1)?,
            25 => self.big_endian(2)?,
            26 => self.big_endian(4)?,
            27 => self.big_endian(8)?,
            31 => return Ok(Length::Indefinite),
            _ => return Err(Fault::Reserved),
        }))
    }

    fn known(&mut self, info: u8) -> Result<u64, Fault> {
        match self.argument(info)? {
            Length::Known(n) => Ok(n),
            Length::Indefinite => Err(Fault::Reserved),
        }
    }

    fn at_break(&mut self) -> Result<bool, Fault> {
        if *self.rest.first().ok_or(Fault::Truncated)? == 0xff {
            self.rest = &self.rest[1..];
            return Ok(true);
        }
        Ok(false)
    }

    fn item(&mut self, depth: usize) -> Result<Item, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        let initial = self.byte()?;
        let info = initial & 31;
        match initial >> 5 {
            0 => self.known(info).map(Item::Unsigned),
            1 => self.known(info).map(Item::Negative),
            2 => self.string(info, 2).map(Item::Bytes),
            3 => self.text(info).map(Item::Text),
            4 => self.array(info, depth),
            5 => self.map(info, depth),
            6 => {
                let tag = self.known(info)?;
                if matches!(tag, 2 | 3) {
                    return Err(Fault::Bignum);
                }
                Ok(Item::Tag(tag, Box::new(self.item(depth + 1)?)))
            }
            _ => self.simple(info),
        }
    }

    fn string(&mut self, info: u8, major: u8) -> Result<Vec<u8>, Fault> {
        match self.argument(info)? {
            Length::Known(n) => self.take(n).map(<[u8]>::to_vec),
            Length::Indefinite => {
                let mut out = Vec::new();
                while !self.at_break()? {
                    let initial = self.byte()?;
                    if initial >> 5 != major {
                        return Err(Fault::Reserved);
                    }
                    let n = self.known(initial & 31)?;
                    out.extend_from_slice(self.take(n)?);
                }
                Ok(out)
            }
        }
    }

    fn text(&mut self, info: u8) -> Result<String, Fault> {
        String::from_utf8(self.string(info, 3)?).map_err(|_| Fault::NotUtf8)
    }

    fn array(&mut self, info: u8, depth: usize) -> Result<Item, Fault> {
        // Nothing is reserved by the claimed length: a few bytes may claim anything.
        let mut out = Vec::new();
        match self.argument(info)? {
            Length::Known(n) => {
                for _ in 0..n {
                    out.push(self.item(depth + 1)?);
                }
            }
            Length::Indefinite => {
                while !self.at_break()? {
                    out.push(self.item(depth + 1)?);
                }
            }
        }
        Ok(Item::Array(out))
    }

    fn map(&mut self, info: u8, depth: usize) -> Result<Item, Fault> {
        let mut out = Vec::new();
        match self.argument(info)? {
            Length::Known(n) => {
                for _ in 0..n {
                    out.push(self.entry(depth)?);
                }
            }
            Length::Indefinite => {
                while !self.at_break()? {
                    out.push(self.entry(depth)?);
                }
            }
        }
        Ok(Item::Map(out))
    }

    fn entry(&mut self, depth: usize) -> Result<(String, Item), Fault> {
        let initial = self.byte()?;
        if initial >> 5 != 3 {
            return Err(Fault::BadKey);
        }
        let key = self.text(initial & 31)?;
        Ok((key, self.item(depth + 1)?))
    }

    fn simple(&mut self, info: u8) -> Result<Item, Fault> {
        Ok(match info {
            20 => Item::Bool(false),
            21 => Item::Bool(true),
            22 | 23 => Item::Null,
            25 => Item::Float(half(self.big_endian(2)? as u16)),
            26 => Item::Float(f64::from(f32::from_bits(self.big_endian(4)? as u32))),
            27 => Item::Float(f64::from_bits(self.big_endian(8)?)),
            _ => return Err(Fault::Reserved),
        })
    }
}

/// IEEE 754 half precision.
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from((bits >> 10) & 31), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + mantissa / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

/// Writes items, definite lengths only.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) out: Vec<u8>,
}

impl Writer {
    fn head(&mut self, major: u8, n: u64) {
        let major = major << 5;
        match n {
            0..=23 => self.out.push(major | n as u8),
            24..=0xff => self.out.extend([major | 24, n as u8]),
            0x100..=0xffff => {
                self.out.push(major | 25);
                self.out.extend((n as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.out.push(major | 26);
                self.out.extend((n as u32).to_be_bytes());
            }
            _ => {
                self.out.push(major | 27);
                self.out.extend(n.to_be_bytes());
            }
        }
    }

    pub(crate) fn int(&mut self, n: i64) {
        if n >= 0 { self.head(0, n.unsigned_abs()) } else { self.head(1, (-1 - n).unsigned_abs()) }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.head(2, bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.head(3, text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn array(&mut self, len: usize) {
        self.head(4, len as u64);
    }

    pub(crate) fn map(&mut self, len: usize) {
        self.head(5, len as u64);
    }

    pub(crate) fn tag(&mut self, tag: u64) {
        self.head(6, tag);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.out.push(if value { 0xf5 } else { 0xf4 });
    }

    pub(crate) fn null(&mut self) {
        self.out.push(0xf6);
    }

    pub(crate) fn float(&mut self, value: f64) {
        self.out.push(0xfb);
        self.out.extend(value.to_bits().to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indefinite_and_definite_forms_read_alike() {
        assert_eq!(read(&[0x9f, 1, 2, 0xff]), Ok(Item::Array(vec![Item::Unsigned(1), Item::Unsigned(2)])));
        assert_eq!(read(&[0x82, 1, 2]), Ok(Item::Array(vec![Item::Unsigned(1), Item::Unsigned(2)])));
        assert_eq!(read(&[0x7f, 0x61, b'a', 0x61, b'b', 0xff]), Ok(Item::Text("ab".to_owned())));
        assert_eq!(read(&[0xbf, 0x61, b'a', 0xf6, 0xff]), Ok(Item::Map(vec![("a".to_owned(), Item::Null)])));
    }

    #[test]
    fn floats_of_every_width_are_read() {
        assert_eq!(read(&[0xf9, 0x3c, 0x00]), Ok(Item::Float(1.0)));
        assert_eq!(read(&[0xf9, 0xfc, 0x00]), Ok(Item::Float(f64::NEG_INFINITY)));
        assert_eq!(read(&[0xfa, 0x47, 0xc3, 0x50, 0x00]), Ok(Item::Float(100_000.0)));
    }

    #[test]
    fn what_would_exhaust_the_server_is_refused() {
        assert_eq!(read(&vec![0x81; 100_000]), Err(Fault::TooDeep));
        assert_eq!(read(&vec![0xc1; 100_000]), Err(Fault::TooDeep));
        assert_eq!(read(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(Fault::Truncated));
        assert_eq!(read(&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(Fault::Truncated));
        assert_eq!(read(&[0xc2, 0x41, 1]), Err(Fault::Bignum));
        assert_eq!(read(&[1, 1]), Err(Fault::Trailing));
    }
}
