//! The graph of one subdomain.

use crate::error::{Error, Result};
use crate::schwarz::{Layout, Subdomain};
use crate::sparse::{Csr, Scalar};

/// Numbers that describe a row of a local matrix.
pub const NODE: usize = 10;

/// Sums over a row of A.
#[derive(Clone, Copy, Default)]
struct Outside {
    sum: f64,
    largest: f64,
    size: f64,
    count: f64,
    all: f64,
}

/// The nodes, edges and interface entries of one subdomain.
pub(super) struct Part {
    pub nodes: Vec<f64>,
    pub lengths: Vec<u32>,
    pub columns: Vec<u32>,
    pub edges: Vec<f64>,
    pub ring: Vec<u32>,
    pub ends: [Vec<u32>; 2],
    pub entries: Vec<f64>,
    pub missing: Vec<(f64, f64)>,
    pub diagonal: Vec<Option<u32>>,
}

/// Large numbers say little more than that they are large.
fn squeezed(v: f64) -> f64 {
    if v.is_finite() { v / (1.0 + 0.2 * v.abs()) } else { 0.0 }
}

impl Part {
    pub fn new<T: Scalar>(
        a: &Csr<T>,
        layout: &Layout,
        diagonal: &[f64],
        sources: &[usize],
        p: usize,
        subdomain: Subdomain<'_>,
    ) -> Result<Self> {
        let rows = subdomain.rows;
        let size: Vec<f64> = rows.iter().map(|&i| diagonal[i as usize]).collect();
        let values = a.values();
        let mut on_ring = vec![None; rows.len()];
        (0u32..).zip(subdomain.ring).for_each(|(r, &local)| on_ring[local as usize] = Some(r));
        if let Some(&local) = subdomain.ring.iter().find(|&&local| size[local as usize] == 0.0) {
            return Err(Error::unsuited(format!(
                "row {} has no diagonal entry in units of which its interface values could be",
                rows[local as usize] + 1
            )));
        }
        let mut part = Self {
            nodes: Vec::with_capacity(rows.len() * NODE),
            lengths: Vec::with_capacity(rows.len()),
            columns: Vec::new(),
            edges: Vec::new(),
            ring: subdomain.ring.to_vec(),
            ends: [Vec::new(), Vec::new()],
            entries: Vec::new(),
            missing: Vec::new(),
            diagonal: Vec::new(),
        };
        let outside: Vec<Outside> = rows.iter().map(|&i| Outside::of(a, i as usize, rows)).collect();
        let inverse: Vec<f64> = size.iter().map(|&d| if d == 0.0 { 1.0 } else { 1.0 / d }).collect();
        let local: Vec<&[u32]> = layout.local_rows(p).collect();
        let mut starts = vec![0usize];
        starts.extend(local.iter().scan(0, |sum, row| {
            *sum += row.len();
            Some(*sum)
        }));
        let numbers = layout.local_sources(p);
        let entry = |i: usize, j: usize| {
            let place = local[i].binary_search(&(j as u32)).ok()?;
            Some(values[numbers[starts[i] + place] as usize].to_f64())
        };
        for (i, columns) in local.iter().enumerate() {
            let o = outside[i];
            let beside =
                columns.iter().filter(|&&j| on_ring[j as usize].is_some() && j as usize != i).count();
            let row_sum = o.all * inverse[i];
            part.nodes.extend([
                f64::from(u8::from(on_ring[i].is_some())),
                f64::from(u8::from(subdomain.owned[i])),
                squeezed(o.sum * inverse[i]),
                squeezed(o.largest * inverse[i]),
                squeezed(o.count / 3.0),
                squeezed(row_sum),
                squeezed(row_sum.cbrt()),
                squeezed(beside as f64 / 3.0),
                squeezed(columns.len() as f64 / 7.0 - 1.0),
                squeezed(layout.decomposition().copies(rows[i] as usize) as f64 - 1.0),
            ]);
            let before = part.columns.len();
            for (&j, &source) in columns.iter().zip(&numbers[starts[i]..]) {
                let (j, value) = (j as usize, values[source as usize].to_f64());
                if j == i {
                    continue;
                }
                let back = entry(j, i).unwrap_or_default();
                part.columns.push(j as u32);
                part.edges.extend([
                    squeezed(value * inverse[i]),
                    squeezed(value * inverse[j]),
                    squeezed(back * inverse[i]),
                    f64::from(u8::from(on_ring[i].is_some() && on_ring[j].is_some())),
                    f64::from(u8::from(subdomain.owned[i] == subdomain.owned[j])),
                ]);
            }
            part.lengths.push((part.columns.len() - before) as u32);
        }
        part.interface(layout, p, &outside, &inverse, |q| values[sources[q]].to_f64(), entry);
        Ok(part)
    }

    fn interface(
        &mut self,
        layout: &Layout,
        p: usize,
        outside: &[Outside],
        inverse: &[f64],
        value: impl Fn(usize) -> f64,
        entry: impl Fn(usize, usize) -> Option<f64>,
    ) {
        let own = layout.interface_of(p);
        let ends = &layout.ring_ends()[own.clone()];
        let mut diagonals = vec![None; self.ring.len()];
        (own.start as u32..).zip(ends).filter(|(_, [r, c])| r == c).for_each(|(q, &[r, _])| {
            diagonals[r as usize] = Some(q);
        });
        for (q, &[r, c]) in own.zip(ends) {
            let (i, j) = (self.ring[r as usize] as usize, self.ring[c as usize] as usize);
            let (forward, back) = (value(q), if r == c { 0.0 } else { entry(j, i).unwrap_or_default() });
            self.ends[0].push(r);
            self.ends[1].push(c);
            let on_diagonal = r == c;
            self.entries.extend([
                f64::from(u8::from(on_diagonal)),
                if on_diagonal { 0.0 } else { squeezed(forward * inverse[i]) },
                if on_diagonal { 0.0 } else { squeezed(forward * inverse[j]) },
                squeezed(back * inverse[i]),
                squeezed(outside[i].size * inverse[i].abs()),
            ]);
            let base = if on_diagonal { outside[i].largest } else { 0.0 };
            self.missing.push((base, outside[i].size * inverse[i].signum()));
            self.diagonal.push(diagonals[r as usize]);
        }
    }
}

impl Outside {
    fn of<T: Scalar>(a: &Csr<T>, row: usize, rows: &[u32]) -> Self {
        let mut found = Self::default();
        for (j, v) in a.row(row) {
            let v = v.to_f64();
            found.all += v;
            if rows.binary_search(&(j as u32)).is_err() {
                found.sum += v;
                found.size += v.abs();
                found.count += 1.0;
                if v.abs() > found.largest.abs() {
                    found.largest = v;
                }
            }
        }
        found
    }
}
