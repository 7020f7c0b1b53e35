//! Connected components, and their matrices.

use super::{Csr, Pattern, Scalar};

impl Pattern {
    /// The connected components of the graph of a square pattern, regardless of directions: the rows of each,
    /// ascending, ordered by their first rows. Cost: one pass with union and find.
    pub fn components(&self) -> Vec<Vec<u32>> {
        let (numbers, count) = self.component_numbers();
        let mut parts = vec![Vec::new(); count];
        numbers.iter().enumerate().for_each(|(i, &number)| parts[number as usize].push(i as u32));
        parts
    }

    /// The number of the component of every row, and how many there are.
    pub(crate) fn component_numbers(&self) -> (Vec<u32>, usize) {
        let mut parent: Vec<u32> = (0..self.rows() as u32).collect();
        for i in 0..self.rows() {
            let mut own = root(&mut parent, i as u32);
            for &j in self.row_cols(i) {
                if parent[j as usize] != own {
                    let other = root(&mut parent, j);
                    // The smaller number becomes the root: the first row of its component.
                    parent[own.max(other) as usize] = own.min(other);
                    own = own.min(other);
                }
            }
        }
        for i in 0..self.rows() {
            parent[i] = root(&mut parent, i as u32);
        }
        // The root of a row precedes it, and has its number already.
        let mut count = 0u32;
        for i in 0..self.rows() {
            let first = parent[i] as usize;
            parent[i] = if first == i { count } else { parent[first] };
            count += u32::from(first == i);
        }
        (parent, count as usize)
    }
}

/// The root of a row, with path halving.
fn root(parent: &mut [u32], mut i: u32) -> u32 {
    while parent[i as usize] != i {
        parent[i as usize] = parent[parent[i as usize] as usize];
        i = parent[i as usize];
    }
    i
}

impl<T: Scalar> Csr<T> {
    /// The matrices of the connected [components](Pattern::components), in the order of their rows. Cost: one pass.
    pub fn diagonal_blocks(&self, components: &[Vec<u32>]) -> Vec<Self> {
        let mut place = vec![0u32; self.cols()];
        for rows in components {
            rows.iter().enumerate().for_each(|(new, &old)| place[old as usize] = new as u32);
        }
        let block = |rows: &Vec<u32>| {
            let (mut ptr, mut columns, mut values) = (vec![0u32], Vec::new(), Vec::new());
            for &i in rows {
                columns.extend(self.row(i as usize).map(|(j, _)| place[j]));
                values.extend(self.row(i as usize).map(|(_, v)| v));
                ptr.push(columns.len() as u32);
            }
            Self::from_parts(Pattern::from_parts(rows.len(), rows.len(), ptr, columns).into(), values)
        };
        components.iter().map(block).collect()
    }
}

impl<T: Scalar> Csr<T> {
    /// The matrix of these rows and columns, ascending lists; `None` selects all. Cost: one pass over the rows.
    ///
    /// # Panics
    /// A row or column beyond the matrix.
    pub fn select(&self, rows: Option<&[u32]>, columns: Option<&[u32]>) -> Self {
        let place = columns.map(|columns| {
            let mut place = vec![u32::MAX; self.cols()];
            columns.iter().enumerate().for_each(|(new, &old)| place[old as usize] = new as u32);
            place
        });
        let place = |j: usize| place.as_ref().map_or(j as u32, |p| p[j]);
        let count = rows.map_or(self.rows(), <[u32]>::len);
        let (mut ptr, mut found, mut values) = (vec![0u32], Vec::new(), Vec::new());
        for i in 0..count {
            for (j, v) in self.row(rows.map_or(i, |rows| rows[i] as usize)) {
                if place(j) != u32::MAX {
                    found.push(place(j));
                    values.push(v);
                }
            }
            ptr.push(found.len() as u32);
        }
        let pattern = Pattern::from_parts(count, columns.map_or(self.cols(), <[u32]>::len), ptr, found);
        Self::from_parts(pattern.into(), values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_follow_edges_of_either_direction() {
        let a = Csr::from_triplets(6, 6, &[(0, 3, 1.0), (5, 4, 1.0), (1, 1, 2.0), (3, 2, 1.0)]).unwrap();
        assert_eq!(a.pattern().components(), [vec![0, 2, 3], vec![1], vec![4, 5]]);
        assert!(Csr::<f64>::identity(0).pattern().components().is_empty());
    }

    #[test]
    fn a_block_has_the_entries_of_its_component() {
        let a = Csr::from_triplets(3, 3, &[(0, 0, 1.0), (1, 1, 2.0), (2, 0, 3.0), (2, 2, 4.0)]).unwrap();
        let blocks = a.diagonal_blocks(&a.pattern().components());
        let first = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (1, 0, 3.0), (1, 1, 4.0)]).unwrap();
        assert_eq!(blocks, [first, Csr::diagonal_matrix(&[2.0])]);
    }

    #[test]
    fn a_selection_keeps_the_entries_of_its_rows_and_columns() {
        let a = Csr::from_triplets(3, 3, &[(0, 0, 1.0), (0, 1, 2.0), (1, 2, 5.0), (2, 0, 3.0), (2, 2, 4.0)])
            .unwrap();
        let b = a.select(Some(&[0, 2]), Some(&[0, 2]));
        assert_eq!(b, Csr::from_triplets(2, 2, &[(0, 0, 1.0), (1, 0, 3.0), (1, 1, 4.0)]).unwrap());
        assert_eq!(
            a.select(None, Some(&[2])),
            Csr::from_triplets(3, 1, &[(1, 0, 5.0), (2, 0, 4.0)]).unwrap()
        );
    }
}
