//! Files of networks: a line with name and version, then the weights.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// The weights in a file that begins with `magic`; `what` names the network in errors.
///
/// # Errors
/// Another kind of file or version, a truncated or damaged one.
pub(super) fn read<W: DeserializeOwned>(bytes: &[u8], magic: &[u8], what: &str) -> Result<W> {
    let rest = bytes.strip_prefix(magic).ok_or_else(|| {
        Error::format(format!("not the file of a {what}, or of an incompatible version; train it again"))
    })?;
    let (weights, rest) = postcard::take_from_bytes::<W>(rest)
        .map_err(|e| Error::format(format!("the file of the {what} is truncated or damaged: {e}")))?;
    match rest.len() {
        0 => Ok(weights),
        more => Err(Error::format(format!("{more} bytes too many after the {what}"))),
    }
}

/// The content of such a file.
///
/// # Errors
/// None in practice.
pub(super) fn write<W: Serialize>(weights: &W, magic: &[u8]) -> Result<Vec<u8>> {
    let encode = |e| Error::format(format!("cannot encode the network: {e}"));
    postcard::to_extend(weights, magic.to_vec()).map_err(encode)
}
