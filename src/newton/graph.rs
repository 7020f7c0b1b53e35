//! The graph of a recorded program, and its local Jacobians.

use super::cuts::{Levels, levels};
use super::local::LocalJacobian;
use super::paths::{Links, Paths};
use crate::error::{Error, Result};
use crate::sparse::Csr;

/// A directed acyclic graph of operations. Vertices are numbered so that operands come first; the inputs are the first
/// of all.
#[derive(Debug)]
pub(super) struct Graph {
    /// Where the operands of every vertex start, and where the last end.
    pub(super) starts: Vec<usize>,
    /// Operands, with the partial derivatives.
    pub(super) edges: Vec<(usize, f64)>,
    pub(super) inputs: usize,
    pub(super) outputs: Vec<usize>,
}

/// Bytes of an entry of a sparse row.
const ENTRY: usize = 16;

impl Graph {
    fn operands(&self, v: usize) -> &[(usize, f64)] {
        &self.edges[self.starts[v]..self.starts[v + 1]]
    }

    fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The local Jacobians of a uniform layering, first layer first.
    ///
    /// A layer ends at a cut: n vertices, one on each of n disjoint paths from the inputs to the outputs, such that
    /// every other path passes through one of them. All cuts that can follow one another are found, so that no
    /// layering is finer. A vertex that lies in two cuts is an edge that is split, with the label 1 in the layers that
    /// it passes; vertices between two cuts are preaccumulated.
    ///
    /// # Errors
    /// A program that is not invertible, with the reason; more than `memory` bytes of local Jacobians.
    pub(super) fn layers(&self, memory: usize) -> Result<Vec<LocalJacobian>> {
        let links = self.links()?;
        let n = self.inputs;
        let (paths, found) = Paths::find(&links);
        if found < n {
            return Err(Error::singular(format!(
                "the program is not invertible: only {found} of its intermediate values separate the {n} inputs from the outputs, so that the rank of its Jacobian is at most {found}; check that every output depends on its own inputs"
            )));
        }
        let levels = levels(&links, &paths);
        Accumulation::new(self, &links, memory).layers(&paths, &levels)
    }

    /// Which vertex uses which, without those that no output needs.
    fn links(&self) -> Result<Links> {
        let count = self.count();
        let mut is_output = vec![false; count];
        for (i, &v) in self.outputs.iter().enumerate() {
            if is_output[v] {
                let first = self.outputs.iter().position(|&u| u == v).unwrap_or(i);
                return Err(Error::singular(format!(
                    "the program is not invertible: outputs {} and {} are the same value",
                    first + 1,
                    i + 1
                )));
            }
            is_output[v] = true;
        }
        let mut needed = is_output.clone();
        for v in (self.inputs..count).rev() {
            if needed[v] {
                self.operands(v).iter().for_each(|&(u, _)| needed[u] = true);
            }
        }
        if let Some(input) = (0..self.inputs).find(|&v| !needed[v]) {
            return Err(Error::singular(format!(
                "the program is not invertible: no output depends on input {}, so that this column of its Jacobian is zero",
                input + 1
            )));
        }
        // Places of the vertices on a line, near those of their operands: paths that keep to theirs give banded layers.
        let mut place: Vec<f64> = (0..count).map(|v| v as f64).collect();
        for v in self.inputs..count {
            let operands = self.operands(v);
            if !operands.is_empty() {
                place[v] = operands.iter().map(|e| place[e.0]).sum::<f64>() / operands.len() as f64;
            }
        }
        let users = (0..count).filter(|&v| needed[v]);
        let users = users.flat_map(|v| self.operands(v).iter().map(move |e| (e.0, v))).collect();
        Ok(Links::new(self.inputs, is_output, needed, users, &place))
    }
}

/// Forward accumulation of the local Jacobians between consecutive cuts.
struct Accumulation<'g> {
    graph: &'g Graph,
    /// Uses of a vertex that are to come.
    uses: Vec<usize>,
    /// The row of a vertex in terms of the last cut.
    rows: Vec<Vec<(usize, f64)>>,
    /// The column of a vertex of the last cut.
    column: Vec<Option<usize>>,
    needed: &'g [bool],
    is_output: &'g [bool],
    sum: Vec<f64>,
    touched: Vec<usize>,
    bytes: usize,
    memory: usize,
}

impl<'g> Accumulation<'g> {
    fn new(graph: &'g Graph, links: &'g Links, memory: usize) -> Self {
        let count = graph.count();
        let mut column = vec![None; count];
        (0..graph.inputs).for_each(|v| column[v] = Some(v));
        Self {
            graph,
            uses: (0..count).map(|v| links.users(v).len() + usize::from(links.is_output[v])).collect(),
            rows: vec![Vec::new(); count],
            column,
            needed: &links.needed,
            is_output: &links.is_output,
            sum: vec![0.0; graph.inputs],
            touched: Vec::new(),
            bytes: 0,
            memory,
        }
    }

    fn layers(mut self, paths: &Paths, levels: &Levels) -> Result<Vec<LocalJacobian>> {
        let n = self.graph.inputs;
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); levels.count + 1];
        for v in n..self.graph.count() {
            if self.needed[v] {
                members[levels.entered(v).min(levels.count)].push(v);
            }
        }
        let mut cut: Vec<usize> = (0..n).collect();
        let mut layers = Vec::new();
        for (level, members) in members.iter().enumerate() {
            if members.is_empty() && level < levels.count {
                continue;
            }
            let mut next: Vec<usize> = if level == levels.count {
                self.graph.outputs.clone()
            } else {
                cut.iter().map(|&v| paths.last(v, |v| levels.left(v) <= level)).collect()
            };
            if next == cut {
                continue;
            }
            // Rows of the last cut are those of the outputs, in their order.
            if next.iter().all(|&v| self.is_output[v]) {
                next.clone_from(&self.graph.outputs);
            }
            layers.push(self.layer(&cut, members, &next)?);
            cut = next;
        }
        if layers.is_empty() {
            layers.push(LocalJacobian::diagonal(&vec![1.0; n]));
        }
        Ok(layers)
    }

    /// The local Jacobian from a cut to the next; `members` lie between them or in the next.
    fn layer(&mut self, cut: &[usize], members: &[usize], next: &[usize]) -> Result<LocalJacobian> {
        for &v in members {
            let row = self.row(v)?;
            self.rows[v] = row;
        }
        let mut entries = Vec::new();
        for (i, &v) in next.iter().enumerate() {
            match self.column[v] {
                Some(c) => entries.push((i, c, 1.0)),
                None => entries.extend(self.rows[v].iter().map(|&(c, d)| (i, c, d))),
            }
        }
        self.hold(entries.len())?;
        for &v in members {
            self.bytes -= ENTRY * std::mem::take(&mut self.rows[v]).len();
        }
        cut.iter().for_each(|&v| self.column[v] = None);
        next.iter().enumerate().for_each(|(i, &v)| self.column[v] = Some(i));
        LocalJacobian::sparse(Csr::from_triplets(next.len(), cut.len(), &entries)?)
    }

    /// The row of v by the chain rule. Rows of operands without further use are dropped.
    fn row(&mut self, v: usize) -> Result<Vec<(usize, f64)>> {
        let graph = self.graph;
        for &(u, d) in graph.operands(v) {
            match self.column[u] {
                Some(c) => self.add(c, d),
                None => {
                    let row = std::mem::take(&mut self.rows[u]);
                    row.iter().for_each(|&(c, e)| self.add(c, d * e));
                    self.rows[u] = row;
                }
            }
            self.uses[u] -= 1;
            if self.uses[u] == 0 {
                self.bytes -= ENTRY * std::mem::take(&mut self.rows[u]).len();
            }
        }
        self.touched.sort_unstable();
        self.touched.dedup();
        let row: Vec<_> = self.touched.drain(..).map(|c| (c, std::mem::take(&mut self.sum[c]))).collect();
        self.hold(row.len())?;
        Ok(row)
    }

    fn add(&mut self, column: usize, value: f64) {
        self.sum[column] += value;
        self.touched.push(column);
    }

    fn hold(&mut self, entries: usize) -> Result<()> {
        self.bytes += ENTRY * entries;
        if self.bytes <= self.memory {
            return Ok(());
        }
        Err(Error::invalid_input(format!(
            "the uniform layers of the recorded program have more entries than fit into {} bytes; allow more memory, or write the program as a LayeredProgram, whose layers are evaluated again instead of stored",
            self.memory
        )))
    }
}
