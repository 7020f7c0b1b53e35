//! Triangle meshes in Gmsh files (MSH 2.2 and 4.1, ASCII).

use std::collections::HashMap;
use std::path::Path;

use super::TriangleMesh;
use super::lines::Lines;
use crate::error::{Error, Result};
use crate::sparse::write_atomic;

/// The largest difference of heights, relative to the width of the mesh.
const FLAT: f64 = 1e-9;

impl TriangleMesh {
    /// Reads the triangles of a Gmsh file: MSH 4.1 or 2.2, ASCII, with 3-node triangles of one
    /// plane z = constant.
    ///
    /// Points keep the order of the file; those in no triangle, such as centres of arcs, are omitted, and so
    /// are marked points, line elements and all sections except nodes and elements. The file must follow the
    /// format exactly, with one node or element per line. Cost: one pass.
    ///
    /// # Errors
    /// A file that cannot be read; another version; a binary file; a truncated, missing or duplicate section;
    /// a malformed line (the message names it); quadrangles, elements in space or of higher order; a missing
    /// node; nodes at different z; the errors of [`new`](Self::new).
    ///
    /// ```
    /// use multigrad::gallery::{TriangleMesh, random_triangle_mesh};
    /// let folder = tempfile::tempdir()?;
    /// let (mesh, path) = (random_triangle_mesh(100, 1)?, folder.path().join("mesh.msh"));
    /// mesh.write_gmsh(&path)?;
    /// assert_eq!(TriangleMesh::read_gmsh(&path)?, mesh);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_gmsh(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        parse(&bytes).map_err(|e| e.at(path.display()))
    }

    /// Writes the mesh as a Gmsh file (MSH 4.1, ASCII, z = 0), atomically; reading it gives the same mesh,
    /// bit for bit.
    ///
    /// # Errors
    /// A folder that is missing or not writable.
    pub fn write_gmsh(&self, path: impl AsRef<Path>) -> Result<()> {
        let (points, triangles) = (self.points.len(), self.triangles.len());
        write_atomic(path.as_ref(), |file| {
            writeln!(
                file,
                "$MeshFormat\n4.1 0 8\n$EndMeshFormat\n$Nodes\n1 {points} 1 {points}\n2 1 0 {points}"
            )?;
            (1..=points).try_for_each(|tag| writeln!(file, "{tag}"))?;
            self.points.iter().try_for_each(|[x, y]| writeln!(file, "{x:?} {y:?} 0"))?;
            writeln!(file, "$EndNodes\n$Elements\n1 {triangles} 1 {triangles}\n2 1 2 {triangles}")?;
            (1..).zip(&self.triangles).try_for_each(|(tag, triangle)| {
                let [a, b, c] = triangle.map(|v| u64::from(v) + 1);
                writeln!(file, "{tag} {a} {b} {c}")
            })?;
            writeln!(file, "$EndElements")
        })
    }
}

/// The contents of a file so far.
#[derive(Default)]
struct Content {
    points: Vec<[f64; 3]>,
    /// The point of every node tag.
    tags: HashMap<u64, u32>,
    /// Line and node tags of every triangle.
    triangles: Vec<(usize, [u64; 3])>,
}

fn parse(bytes: &[u8]) -> Result<TriangleMesh> {
    let mut lines = Lines::new(bytes);
    let (mut content, mut version) = (Content::default(), None);
    let (mut nodes, mut elements) = (false, false);
    while let Some(section) = lines.next_section()? {
        match (&*section, version) {
            ("MeshFormat", None) => version = Some(format(&mut lines)?),
            ("MeshFormat", _) => return Err(lines.error("a second $MeshFormat")),
            ("Nodes" | "Elements", None) => return Err(lines.error("$MeshFormat must come first")),
            ("Nodes", _) if nodes => return Err(lines.error("a second $Nodes")),
            ("Elements", _) if elements => return Err(lines.error("a second $Elements")),
            ("Nodes", Some(version)) => {
                nodes = true;
                content.nodes(&mut lines, version)?;
            }
            ("Elements", Some(version)) => {
                elements = true;
                content.elements(&mut lines, version)?;
            }
            _ => {
                lines.skip_to_end_of(&section)?;
                continue;
            }
        }
        lines.expect_end_of(&section)?;
    }
    for (there, section) in [(version.is_some(), "MeshFormat"), (nodes, "Nodes"), (elements, "Elements")] {
        if !there {
            return Err(Error::format(format!("no section ${section}: not a Gmsh mesh, or cut off")));
        }
    }
    content.mesh()
}

#[derive(Clone, Copy)]
enum Version {
    Two,
    Four,
}

fn format(lines: &mut Lines) -> Result<Version> {
    let fields = lines.fields()?;
    let version = match fields.first().copied() {
        Some("2.2") => Version::Two,
        Some("4.1") => Version::Four,
        other => {
            return Err(lines.error(format_args!(
                "MSH version {}; save the mesh as version 4.1 or 2.2",
                other.unwrap_or("missing")
            )));
        }
    };
    match fields.get(1).copied() {
        Some("0") if fields.len() == 3 => Ok(version),
        Some("1") => Err(lines.error("a binary file; save the mesh as ASCII")),
        _ => Err(lines.error("the line must be version, 0 for ASCII, and size of a number")),
    }
}

impl Content {
    fn nodes(&mut self, lines: &mut Lines, version: Version) -> Result<()> {
        match version {
            Version::Two => {
                let [count] = lines.integers("the number of nodes")?;
                for _ in 0..count {
                    let fields = lines.fields()?;
                    let [tag, x, y, z] = fields[..] else {
                        return Err(lines.error("expected tag, x, y and z of a node"));
                    };
                    self.tag(lines, lines.integer(tag)?)?;
                    self.points.push([lines.real(x)?, lines.real(y)?, lines.real(z)?]);
                }
            }
            Version::Four => {
                let [blocks, count, ..]: [u64; 4] =
                    lines.integers("numbers of blocks and nodes, lowest and highest tag")?;
                for _ in 0..blocks {
                    let [.., parametric, inside]: [u64; 4] =
                        lines.integers("dimension, entity, parametric and number of nodes")?;
                    for _ in 0..inside {
                        let [tag] = lines.integers("the tag of a node")?;
                        self.tag(lines, tag)?;
                    }
                    for _ in 0..inside {
                        let fields = lines.fields()?;
                        // After x, y and z there are up to three parameters.
                        let [x, y, z] = match (fields.len(), parametric) {
                            (3, 0) | (3..=6, 1) => [fields[0], fields[1], fields[2]],
                            _ => return Err(lines.error("expected x, y and z of a node")),
                        };
                        self.points.push([lines.real(x)?, lines.real(y)?, lines.real(z)?]);
                    }
                }
                lines.check_count("nodes", self.points.len(), count)?;
            }
        }
        Ok(())
    }

    /// Assigns this tag to the next point.
    fn tag(&mut self, lines: &Lines, tag: u64) -> Result<()> {
        let number = u32::try_from(self.tags.len()).map_err(|_| lines.error("more than 2³² nodes"))?;
        match self.tags.insert(tag, number) {
            None => Ok(()),
            Some(_) => Err(lines.error(format_args!("node {tag} is there twice"))),
        }
    }

    fn elements(&mut self, lines: &mut Lines, version: Version) -> Result<()> {
        match version {
            Version::Two => {
                let [count] = lines.integers("the number of elements")?;
                for _ in 0..count {
                    let fields = lines.fields()?;
                    let numbers =
                        fields.iter().map(|field| lines.integer(field)).collect::<Result<Vec<_>>>()?;
                    let nodes = match numbers[..] {
                        [_, _, tags, ..] => {
                            numbers.get(3..).and_then(|n| n.get(usize::try_from(tags).ok()?..))
                        }
                        _ => None,
                    };
                    let Some(nodes) = nodes else {
                        return Err(lines.error("expected tag, type, number of tags, tags and nodes"));
                    };
                    self.element(lines, numbers[1], nodes)?;
                }
            }
            Version::Four => {
                let [blocks, count, ..]: [u64; 4] =
                    lines.integers("numbers of blocks and elements, lowest and highest tag")?;
                let mut found = 0;
                for _ in 0..blocks {
                    let [_, _, kind, inside] =
                        lines.integers("dimension, entity, type and number of elements")?;
                    for _ in 0..inside {
                        let fields = lines.fields()?;
                        let numbers =
                            fields.iter().map(|field| lines.integer(field)).collect::<Result<Vec<_>>>()?;
                        self.element(lines, kind, numbers.get(1..).unwrap_or_default())?;
                        found += 1;
                    }
                }
                lines.check_count("elements", found, count)?;
            }
        }
        Ok(())
    }

    /// Keeps triangles and skips points and lines.
    fn element(&mut self, lines: &Lines, kind: u64, nodes: &[u64]) -> Result<()> {
        match (kind, nodes) {
            (2, &[a, b, c]) => self.triangles.push((lines.line(), [a, b, c])),
            (1, [_, _]) | (15, [_]) => {}
            (1 | 2 | 15, _) => {
                return Err(lines.error(format_args!("an element of type {kind} with {} nodes", nodes.len())));
            }
            _ => {
                return Err(lines.error(format_args!(
                    "an element of type {kind}; only triangles of 3 nodes (type 2) can be read, besides points \
                     and lines"
                )));
            }
        }
        Ok(())
    }

    /// The mesh of the points that belong to triangles.
    fn mesh(self) -> Result<TriangleMesh> {
        let mut triangles = Vec::with_capacity(self.triangles.len());
        let mut used = vec![false; self.points.len()];
        for (line, nodes) in &self.triangles {
            let mut triangle = [0; 3];
            for (slot, tag) in triangle.iter_mut().zip(nodes) {
                let known = self.tags.get(tag).filter(|&&v| (v as usize) < used.len());
                let Some(&v) = known else {
                    return Err(Error::format(format!("line {line}: there is no node {tag}")));
                };
                *slot = v;
                used[v as usize] = true;
            }
            triangles.push(triangle);
        }
        let mut number = vec![0; used.len()];
        let mut points: Vec<[f64; 3]> = Vec::new();
        for (i, point) in self.points.into_iter().enumerate().filter(|(i, _)| used[*i]) {
            number[i] = points.len() as u32;
            points.push(point);
        }
        triangles.iter_mut().flatten().for_each(|v| *v = number[*v as usize]);
        let range = |axis: usize| {
            let ends = |(lo, hi): (f64, f64), p: &[f64; 3]| (lo.min(p[axis]), hi.max(p[axis]));
            let (lo, hi) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
            hi - lo
        };
        if range(2) > FLAT * range(0).max(range(1)) {
            return Err(Error::invalid_input(format!(
                "nodes have different z, over a range of {:e}; only meshes of the plane can be read",
                range(2)
            )));
        }
        TriangleMesh::new(points.into_iter().map(|[x, y, _]| [x, y]).collect(), triangles)
    }
}

#[cfg(test)]
#[path = "gmsh_tests.rs"]
mod tests;
