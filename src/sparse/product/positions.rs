//! Places of products of two values in a row, as narrow integers.

/// A place within a row.
pub(super) trait Position: Copy + Send + Sync {
    /// As an index.
    fn index(self) -> usize;
}

macro_rules! position {
    ($($t:ident)*) => {$(
        impl Position for $t {
            #[inline(always)]
            fn index(self) -> usize {
                self as usize
            }
        }
    )*};
}
position!(u8 u16 u32);

/// Lists of places, in the narrowest type that holds all of them.
pub(super) enum Positions {
    Byte(Vec<u8>),
    Short(Vec<u16>),
    Wide(Vec<u32>),
}

impl Positions {
    /// An empty list for places below `bound`.
    pub(super) fn new(list: &[u32], bound: usize) -> Self {
        if bound <= 1 << 8 {
            Self::Byte(list.iter().map(|&p| p as u8).collect())
        } else if bound <= 1 << 16 {
            Self::Short(list.iter().map(|&p| p as u16).collect())
        } else {
            Self::Wide(list.to_vec())
        }
    }

    /// Memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Byte(list) => list.len(),
            Self::Short(list) => 2 * list.len(),
            Self::Wide(list) => 4 * list.len(),
        }
    }
}

/// Evaluates `$body` with `$list` the list of places as a slice of its type.
macro_rules! with_positions {
    ($positions:expr, $list:ident => $body:expr) => {
        match $positions {
            Positions::Byte($list) => $body,
            Positions::Short($list) => $body,
            Positions::Wide($list) => $body,
        }
    };
}
pub(super) use with_positions;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_type_is_taken() {
        for (bound, bytes) in [(1usize, 1), (256, 1), (257, 2), (65_536, 2), (65_537, 4)] {
            let last = bound as u32 - 1;
            let positions = Positions::new(&[0, last], bound);
            assert_eq!(positions.bytes(), 2 * bytes);
            let back: Vec<usize> =
                with_positions!(&positions, list => list.iter().map(|p| p.index()).collect());
            assert_eq!(back, [0, last as usize]);
        }
    }
}
