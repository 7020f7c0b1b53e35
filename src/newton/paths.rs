//! Disjoint paths through a graph.

/// Which vertex uses which.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) inputs: usize,
    pub(super) is_output: Vec<bool>,
    /// Whether an output depends on the vertex.
    pub(super) needed: Vec<bool>,
    starts: Vec<usize>,
    users: Vec<usize>,
    operand_starts: Vec<usize>,
    operands: Vec<usize>,
}

/// No vertex.
pub(super) const NONE: usize = usize::MAX;
/// The end of a path, behind an output.
const END: usize = usize::MAX - 1;

/// A largest set of paths from inputs to outputs without common vertices, by augmenting paths (Ford and Fulkerson).
///
/// Every vertex v is split into its entry, node 2v, and its exit, node 2v + 1. The residual graph has an arc from entry
/// to exit of a vertex on no path, back from exit to entry of one on a path, from every exit to the entries of the users,
/// and back from an entry to the exit before it on its path.
#[derive(Debug)]
pub(super) struct Paths {
    next: Vec<usize>,
    previous: Vec<usize>,
    used: Vec<bool>,
}

impl Links {
    /// From pairs of a vertex and one of its users, in the order of the users; the nearest users on the line come first.
    pub(super) fn new(
        inputs: usize,
        is_output: Vec<bool>,
        needed: Vec<bool>,
        pairs: Vec<(usize, usize)>,
        place: &[f64],
    ) -> Self {
        let count = is_output.len();
        let mut starts = vec![0; count + 1];
        pairs.iter().for_each(|&(u, _)| starts[u + 1] += 1);
        (0..count).for_each(|v| starts[v + 1] += starts[v]);
        let (mut at, mut users) = (starts.clone(), vec![0; pairs.len()]);
        let mut operand_starts = vec![0; count + 1];
        let operands = pairs.iter().map(|&(u, _)| u).collect();
        for (u, v) in pairs {
            operand_starts[v + 1] += 1;
            users[at[u]] = v;
            at[u] += 1;
        }
        (0..count).for_each(|v| operand_starts[v + 1] += operand_starts[v]);
        for u in 0..count {
            let distance = |v: usize| (place[v] - place[u]).abs();
            users[starts[u]..starts[u + 1]].sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        }
        Self { inputs, is_output, needed, starts, users, operand_starts, operands }
    }

    pub(super) fn users(&self, v: usize) -> &[usize] {
        &self.users[self.starts[v]..self.starts[v + 1]]
    }

    /// The vertices that v uses.
    pub(super) fn operands(&self, v: usize) -> &[usize] {
        &self.operands[self.operand_starts[v]..self.operand_starts[v + 1]]
    }

    pub(super) fn count(&self) -> usize {
        self.is_output.len()
    }
}

/// An arc of the residual graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arc {
    /// To a node.
    Node(usize),
    /// Out of the graph, behind an output.
    Out,
    /// This number has no arc.
    Absent,
    /// No arc has this number or a higher one.
    End,
}

impl Paths {
    /// The paths and their number.
    pub(super) fn find(links: &Links) -> (Self, usize) {
        let count = links.count();
        let mut paths =
            Self { next: vec![NONE; count], previous: vec![NONE; count], used: vec![false; count] };
        let (mut found, mut visited) = (0, vec![false; 2 * count]);
        // A round searches from all inputs that are left and visits every node once.
        loop {
            visited.fill(false);
            let before = found;
            for input in 0..links.inputs {
                if !paths.used[input] && paths.augment(links, input, &mut visited) {
                    found += 1;
                }
            }
            if found == before || found == links.inputs {
                return (paths, found);
            }
        }
    }

    /// The vertex after v on its path.
    pub(super) fn next(&self, v: usize) -> usize {
        self.next[v]
    }

    /// The first vertex from v on along its path that is not passed.
    pub(super) fn last(&self, mut v: usize, passed: impl Fn(usize) -> bool) -> usize {
        while passed(v) && self.next[v] < END {
            v = self.next[v];
        }
        v
    }

    /// Arc number k of a node of the residual graph.
    pub(super) fn arc(&self, links: &Links, node: usize, k: usize) -> Arc {
        let v = node / 2;
        if node.is_multiple_of(2) {
            return match (k, self.used[v], self.previous[v]) {
                (0, false, _) => Arc::Node(node + 1),
                (0, true, p) if p != NONE => Arc::Node(2 * p + 1),
                _ => Arc::End,
            };
        }
        match k {
            0 if links.is_output[v] => Arc::Out,
            1 if self.used[v] => Arc::Node(node - 1),
            0 | 1 => Arc::Absent,
            _ => links.users(v).get(k - 2).map_or(Arc::End, |&w| Arc::Node(2 * w)),
        }
    }

    /// One more path, from this input, by depth-first search.
    fn augment(&mut self, links: &Links, input: usize, visited: &mut [bool]) -> bool {
        let mut stack = vec![(2 * input, 0)];
        visited[2 * input] = true;
        while let Some((node, k)) = stack.last_mut() {
            let (from, arc) = (*node, self.arc(links, *node, *k));
            *k += 1;
            match arc {
                Arc::Node(to) if !visited[to] => {
                    visited[to] = true;
                    stack.push((to, 0));
                }
                Arc::Out if self.next[from / 2] != END => {
                    self.flip(&stack);
                    return true;
                }
                Arc::End => {
                    stack.pop();
                }
                _ => {}
            }
        }
        false
    }

    /// Follows an augmenting path.
    fn flip(&mut self, stack: &[(usize, usize)]) {
        for pair in stack.windows(2) {
            let (from, to) = (pair[0].0, pair[1].0);
            let (v, w) = (from / 2, to / 2);
            match (from.is_multiple_of(2), v == w) {
                (true, true) => self.used[v] = true,
                // Back to the vertex before, which goes on elsewhere.
                (true, false) => {}
                (false, true) => {
                    self.used[v] = false;
                    (self.next[v], self.previous[v]) = (NONE, NONE);
                }
                (false, false) => (self.next[v], self.previous[w]) = (w, v),
            }
        }
        if let Some(&(node, _)) = stack.last() {
            self.next[node / 2] = END;
        }
    }
}
