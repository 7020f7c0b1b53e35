//! Numbers in binary arrays: reals and integers of several sizes, in either byte order.

/// A sentence that says what is wrong.
pub(super) type Checked<T> = Result<T, String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of 4 or 8 bytes.
    Real,
    Signed,
    Unsigned,
}

/// The numbers of an array.
#[derive(Debug)]
pub(super) struct Numbers<'b> {
    /// The array in sentences, such as `the array 'data'`.
    what: String,
    /// What converts the array to reals, such as `.astype(float)`.
    convert: &'static str,
    kind: Kind,
    size: usize,
    big_endian: bool,
    bytes: &'b [u8],
}

impl<'b> Numbers<'b> {
    /// Numbers of `size` bytes each: 1, 2, 4 or 8.
    pub(super) fn new(
        (what, convert): (String, &'static str),
        (kind, size): (Kind, usize),
        big_endian: bool,
        bytes: &'b [u8],
    ) -> Checked<Self> {
        if !bytes.len().is_multiple_of(size) {
            return Err(format!("{what} ends within an element; the file is damaged"));
        }
        Ok(Self { what, convert, kind, size, big_endian, bytes })
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() / self.size
    }

    /// The bytes of every number, little-endian. The sign of an integer fills the bytes above.
    fn elements(&self) -> impl Iterator<Item = [u8; 8]> + '_ {
        self.bytes.chunks_exact(self.size).map(|bytes| {
            let mut le = [0; 8];
            le[..self.size].copy_from_slice(bytes);
            if self.big_endian {
                le[..self.size].reverse();
            }
            if self.kind == Kind::Signed && le[self.size - 1] >= 0x80 {
                le[self.size..].fill(0xff);
            }
            le
        })
    }

    /// The numbers as 64-bit reals, finite or not.
    pub(super) fn reals(&self) -> impl Iterator<Item = Checked<f64>> + '_ {
        let exact = |place: usize, value: i128| match value.unsigned_abs() <= 1 << 53 {
            true => Ok(value as f64),
            false => Err(format!(
                "entry {} of {} is the integer {value}, which is above 2^53 and would be rounded; scale the matrix, or \
                 convert it by {} to accept the rounding",
                place + 1,
                self.what,
                self.convert
            )),
        };
        self.elements().enumerate().map(move |(place, bytes)| match (self.kind, self.size) {
            (Kind::Real, 4) => Ok(f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))),
            (Kind::Real, _) => Ok(f64::from_le_bytes(bytes)),
            (Kind::Signed, _) => exact(place, i64::from_le_bytes(bytes).into()),
            (Kind::Unsigned, _) => exact(place, u64::from_le_bytes(bytes).into()),
        })
    }

    /// Whole numbers below `limit`.
    pub(super) fn indices(&self, limit: usize) -> impl Iterator<Item = Checked<usize>> + '_ {
        self.elements().enumerate().map(move |(place, bytes)| {
            let index = usize::try_from(i64::from_le_bytes(bytes)).ok();
            index.filter(|&i| i < limit && self.kind != Kind::Real).ok_or_else(|| {
                format!(
                    "entry {} of {} is not a whole number from 0 to below {limit}; the file is damaged",
                    place + 1,
                    self.what
                )
            })
        })
    }
}
