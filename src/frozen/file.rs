//! The file of a frozen solver.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `MGRAD` and three zeros |
//! | 4 | version, little endian |
//! | 8 | length of the payload, little endian |
//! | … | the origin and the hierarchy, in the `postcard` encoding |
//! | 16 | XXH3-128 of everything before, little endian |

use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::{Cycle, Frozen, Origin};
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::multigrid::{CyclePreconditioner, Hierarchy};
use crate::sparse::write_atomic;

const MAGIC: &[u8; 8] = b"MGRAD\0\0\0";
const VERSION: u32 = 2;
const HEADER: usize = 20;
const CHECKSUM: usize = 16;

#[derive(Serialize)]
enum Payload<'a> {
    Double(&'a Hierarchy<Host<f64>>),
    Single(&'a Hierarchy<Host<f32>>),
}

#[derive(Deserialize)]
enum Loaded {
    Double(Hierarchy<Host<f64>>),
    Single(Hierarchy<Host<f32>>),
}

pub(super) fn save(frozen: &Frozen, path: &Path) -> Result<()> {
    let payload = match &frozen.cycle {
        Cycle::Double(cycle) => Payload::Double(cycle.hierarchy()),
        Cycle::Single(cycle) => Payload::Single(cycle.hierarchy()),
    };
    let body = postcard::to_stdvec(&(&frozen.origin, payload))
        .map_err(|e| Error::format(format!("cannot encode the solver: {e}")))?;
    let mut bytes = Vec::with_capacity(HEADER + body.len() + CHECKSUM);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&body);
    let checksum = xxh3_128(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    write_atomic(path, |file| file.write_all(&bytes))
}

pub(super) fn load(path: &Path) -> Result<Frozen> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    parse(&bytes).map_err(|e| e.at(path.display()))
}

fn parse(bytes: &[u8]) -> Result<Frozen> {
    let damaged = |what: &str| Error::format(format!("{what}; train or save the solver again"));
    if bytes.is_empty() {
        return Err(damaged("the file is empty"));
    }
    if bytes.len() < MAGIC.len() || &bytes[..MAGIC.len()] != MAGIC {
        return Err(Error::format("this is not a solver saved by multigrad (such files begin with 'MGRAD')"));
    }
    if bytes.len() < HEADER + CHECKSUM {
        return Err(damaged("the file is truncated"));
    }
    let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    let length = u64::from_le_bytes(std::array::from_fn(|q| bytes[12 + q]));
    // What follows is known for this version only.
    if version != VERSION {
        return Err(Error::format(format!(
            "the file has format version {version}, this program reads version {VERSION}"
        )));
    }
    let (content, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    let intact = xxh3_128(content).to_le_bytes() == checksum;
    if !intact && length > (content.len() - HEADER) as u64 {
        return Err(damaged("the file is truncated"));
    }
    if !intact {
        return Err(damaged("the file is damaged: its checksum does not match"));
    }
    if length != (content.len() - HEADER) as u64 {
        return Err(damaged("the file is damaged: its length does not match"));
    }
    let ((origin, loaded), rest): ((Origin, Loaded), &[u8]) =
        postcard::take_from_bytes(&content[HEADER..])
            .map_err(|e| damaged(&format!("the content cannot be decoded ({e})")))?;
    if !rest.is_empty() {
        return Err(damaged("the file holds more than a solver"));
    }
    let cycle = match loaded {
        Loaded::Double(h) => Cycle::Double(CyclePreconditioner::new(h)?),
        Loaded::Single(h) => Cycle::Single(CyclePreconditioner::new(h)?),
    };
    let frozen = Frozen { cycle, origin };
    if crate::operator::Preconditioner::rows(&frozen) != frozen.origin.fingerprint.rows() {
        return Err(damaged("the hierarchy and the fingerprint differ in size"));
    }
    Ok(frozen)
}
