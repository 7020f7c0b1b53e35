//! Cuts of a graph into uniform layers.

use super::paths::{Arc, Links, NONE, Paths};

/// The levels of the nodes of a residual graph.
///
/// A set of nodes that no residual arc leaves ends at a smallest cut: one vertex on every path, its entry inside and its
/// exit outside (Picard and Queyranne, Math. Programming Study 13, 1980). Nodes of levels up to k form such a set for every k.
#[derive(Debug)]
pub(super) struct Levels {
    level: Vec<usize>,
    /// One more than the highest level.
    pub(super) count: usize,
}

/// The level of nodes from which a residual arc leads out of the graph.
const OUTSIDE: usize = usize::MAX;

impl Levels {
    /// The level of the entry of v: that of the first cut behind which v does not lie.
    pub(super) fn entered(&self, v: usize) -> usize {
        self.level[2 * v]
    }

    /// The level of the exit of v: that of the first cut that lies behind v.
    pub(super) fn left(&self, v: usize) -> usize {
        self.level[2 * v + 1]
    }
}

/// The longest chains of strong components, found in reverse topological order (Tarjan 1972).
///
/// A component in which a path passes a single vertex, used by one vertex that uses nothing else, does not count: these
/// two are preaccumulated.
pub(super) fn levels(links: &Links, paths: &Paths) -> Levels {
    let nodes = 2 * links.count();
    let mut search = Search {
        order: vec![NONE; nodes],
        low: vec![0; nodes],
        level: vec![OUTSIDE; nodes],
        open: Vec::new(),
        is_open: vec![false; nodes],
        visited: 0,
    };
    for v in (0..links.count()).filter(|&v| links.needed[v]) {
        for node in [2 * v, 2 * v + 1] {
            if search.order[node] == NONE {
                search.visit(links, paths, node);
            }
        }
    }
    let finite = search.level.iter().filter(|&&l| l != OUTSIDE);
    let count = finite.max().map_or(0, |&l| l + 1);
    Levels { level: search.level, count }
}

struct Search {
    order: Vec<usize>,
    low: Vec<usize>,
    /// Of complete components.
    level: Vec<usize>,
    /// Nodes whose component is not complete, and a mark for each of them.
    open: Vec<usize>,
    is_open: Vec<bool>,
    visited: usize,
}

/// A node on the way from the root, and the number of its next arc.
struct Frame {
    node: usize,
    arc: usize,
}

impl Search {
    fn enter(&mut self, node: usize, stack: &mut Vec<Frame>) {
        self.order[node] = self.visited;
        self.low[node] = self.visited;
        self.visited += 1;
        self.open.push(node);
        self.is_open[node] = true;
        stack.push(Frame { node, arc: 0 });
    }

    fn visit(&mut self, links: &Links, paths: &Paths, root: usize) {
        let mut stack = Vec::new();
        self.enter(root, &mut stack);
        while let Some(frame) = stack.last_mut() {
            let (node, arc) = (frame.node, arc_of(links, paths, frame.node, frame.arc));
            frame.arc += 1;
            match arc {
                Arc::Node(to) if self.order[to] == NONE => self.enter(to, &mut stack),
                Arc::Node(to) if self.is_open[to] => self.low[node] = self.low[node].min(self.order[to]),
                Arc::End => {
                    stack.pop();
                    if let Some(parent) = stack.last() {
                        self.low[parent.node] = self.low[parent.node].min(self.low[node]);
                    }
                    if self.low[node] == self.order[node] {
                        self.complete(links, paths, node);
                    }
                }
                _ => {}
            }
        }
    }

    /// Gives the component that ends the list of open nodes its level. Its arcs to open nodes end in itself.
    fn complete(&mut self, links: &Links, paths: &Paths, root: usize) {
        let from = self.open.iter().rposition(|&o| o == root).unwrap_or(0);
        let members = self.open.split_off(from);
        let mut level = 0;
        for &node in &members {
            for k in 0.. {
                match arc_of(links, paths, node, k) {
                    Arc::Node(to) if self.is_open[to] => {}
                    Arc::Node(to) => level = level.max(self.level[to]),
                    Arc::Out => level = OUTSIDE,
                    Arc::Absent => {}
                    Arc::End => break,
                }
            }
        }
        if level != OUTSIDE && members.len() > 1 && !is_single(links, paths, &members) {
            level += 1;
        }
        for &node in &members {
            self.level[node] = level;
            self.is_open[node] = false;
        }
    }
}

/// Arc number k of a node: those from the entry of a vertex to the entries of its operands come first. With them no vertex
/// before a cut depends on one behind it.
fn arc_of(links: &Links, paths: &Paths, node: usize, k: usize) -> Arc {
    if !node.is_multiple_of(2) {
        return paths.arc(links, node, k);
    }
    let operands = links.operands(node / 2);
    operands.get(k).map_or_else(|| paths.arc(links, node, k - operands.len()), |&u| Arc::Node(2 * u))
}

/// Whether a path passes v here, only w uses v, and w uses only v.
fn is_single(links: &Links, paths: &Paths, members: &[usize]) -> bool {
    let Some(&exit) = members.iter().find(|m| !m.is_multiple_of(2)) else { return false };
    let (v, w) = (exit / 2, paths.next(exit / 2));
    members.len() == 2 && links.users(v) == [w] && links.operands(w) == [v]
}
