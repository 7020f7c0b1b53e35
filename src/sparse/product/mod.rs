//! Sparse products, row by row (Gustavson 1978).

mod accumulate;
mod dense;
use dense::Dense;

use accumulate::Sums;

use super::rows::{Pool, build};
use super::{Csr, Scalar};
use crate::error::{Error, Result};

impl<T: Scalar> Csr<T> {
    /// A B.
    ///
    /// # Errors
    /// Inner dimensions that differ, or a product too large for 32-bit indices.
    pub fn multiply(&self, other: &Self) -> Result<Self> {
        if self.cols() != other.rows() {
            return Err(Error::dimension(format!(
                "cannot multiply a {} × {} by a {} × {} matrix",
                self.rows(),
                self.cols(),
                other.rows(),
                other.cols()
            )));
        }
        let pool = Pool::new(|| Sums::<T>::new(other.cols()));
        let mode = std::env::var("MODE").map_or(0, |m| m.parse().unwrap());
        if mode & 8 == 8 {
            let pool = Pool::new(|| Dense::<T>::new(other.cols()));
            return build(other.cols(), self.pattern().row_ptr(), 4, |range, rows| {
                pool.with(|sums| {
                    for i in range {
                        for (k, v) in self.row(i) {
                            let r = other.pattern().row(k);
                            sums.add_row(v, &other.pattern().col_idx(), &other.values(), r.start, r.end);
                        }
                        if !sums.drain(rows) {
                            break;
                        }
                    }
                })
            });
        }
        build(other.cols(), self.pattern().row_ptr(), 4, |range, rows| {
            pool.with(|sums| {
                for i in range {
                    for (k, v) in self.row(i) {
                        let r = other.pattern().row(k);
                        if mode & 2 == 0 {
                            sums.add_row(v, &other.pattern().col_idx(), &other.values(), r.start, r.end);
                        } else {
                            sums.add_row2(v, &other.pattern().col_idx(), &other.values(), r.start, r.end);
                        }
                    }
                    if !sums.drain(rows) {
                        break;
                    }
                }
            })
        })
    }

    /// The Galerkin product R A P.
    ///
    /// # Errors
    /// Dimensions that do not chain.
    pub fn galerkin(&self, restriction: &Self, prolongation: &Self) -> Result<Self> {
        let (r, p) = (restriction, prolongation);
        let mode = std::env::var("MODE").map_or(0, |m| m.parse().unwrap());
        let pool = Pool::new(|| (Sums::<T>::new(self.cols()), Sums::<T>::new(p.cols())));
        if mode & 8 == 8 {
            let pool = Pool::new(|| (Dense::<T>::new(self.cols()), Dense::<T>::new(p.cols())));
            return build(p.cols(), r.pattern().row_ptr(), 4, |range, rows| {
                pool.with(|(inner, sums)| {
                    for i in range {
                        if mode & 1 == 1 {
                            for (k, v) in r.row(i) {
                                for (j, a) in self.row(k) {
                                    let q = p.pattern().row(j);
                                    sums.add_row(v * a, p.pattern().col_idx(), p.values(), q.start, q.end);
                                }
                            }
                        } else {
                            for (k, v) in r.row(i) {
                                let q = self.pattern().row(k);
                                inner.add_row(v, self.pattern().col_idx(), self.values(), q.start, q.end);
                            }
                            for (j, w) in inner.entries() {
                                let q = p.pattern().row(j as usize);
                                sums.add_row(w, p.pattern().col_idx(), p.values(), q.start, q.end);
                            }
                            inner.clear();
                        }
                        if !sums.drain(rows) {
                            break;
                        }
                    }
                })
            });
        }
        if mode & 16 == 16 {
            let pool = Pool::new(|| (Dense::<T>::new(self.cols()), Sums::<T>::new(p.cols())));
            return build(p.cols(), r.pattern().row_ptr(), 4, |range, rows| {
                pool.with(|(inner, sums)| {
                    for i in range {
                        if mode & 1 == 1 {
                            for (k, v) in r.row(i) {
                                for (j, a) in self.row(k) {
                                    let q = p.pattern().row(j);
                                    sums.add_row2(v * a, p.pattern().col_idx(), p.values(), q.start, q.end);
                                }
                            }
                        } else {
                            for (k, v) in r.row(i) {
                                let q = self.pattern().row(k);
                                inner.add_row(v, self.pattern().col_idx(), self.values(), q.start, q.end);
                            }
                            for (j, w) in inner.entries() {
                                let q = p.pattern().row(j as usize);
                                sums.add_row2(w, p.pattern().col_idx(), p.values(), q.start, q.end);
                            }
                            inner.clear();
                        }
                        if !sums.drain(rows) {
                            break;
                        }
                    }
                })
            });
        }
        if mode & 32 == 32 {
            let pool = Pool::new(|| (Sums::<T>::new(self.cols()), Dense::<T>::new(p.cols())));
            return build(p.cols(), r.pattern().row_ptr(), 4, |range, rows| {
                pool.with(|(inner, sums)| {
                    for i in range {
                        if mode & 1 == 1 {
                            for (k, v) in r.row(i) {
                                for (j, a) in self.row(k) {
                                    let q = p.pattern().row(j);
                                    sums.add_row(v * a, p.pattern().col_idx(), p.values(), q.start, q.end);
                                }
                            }
                        } else {
                            for (k, v) in r.row(i) {
                                let q = self.pattern().row(k);
                                inner.add_row2(v, self.pattern().col_idx(), self.values(), q.start, q.end);
                            }
                            for (j, w) in inner.entries() {
                                let q = p.pattern().row(j as usize);
                                sums.add_row(w, p.pattern().col_idx(), p.values(), q.start, q.end);
                            }
                            inner.clear();
                        }
                        if !sums.drain(rows) {
                            break;
                        }
                    }
                })
            });
        }
        build(p.cols(), r.pattern().row_ptr(), 4, |range, rows| {
            pool.with(|(inner, sums)| {
                for i in range {
                    if mode & 1 == 1 {
                        for (k, v) in r.row(i) {
                            for (j, a) in self.row(k) {
                                let q = p.pattern().row(j);
                                if mode & 2 == 0 {
                                    sums.add_row(v * a, p.pattern().col_idx(), p.values(), q.start, q.end);
                                } else {
                                    sums.add_row2(v * a, p.pattern().col_idx(), p.values(), q.start, q.end);
                                }
                            }
                        }
                    } else {
                        for (k, v) in r.row(i) {
                            let q = self.pattern().row(k);
                            if mode & 4 == 0 {
                                inner.add_row(v, self.pattern().col_idx(), self.values(), q.start, q.end);
                            } else {
                                inner.add_row2(v, self.pattern().col_idx(), self.values(), q.start, q.end);
                            }
                        }
                        for (j, w) in inner.entries() {
                            let q = p.pattern().row(j as usize);
                            if mode & 2 == 0 {
                                sums.add_row(w, p.pattern().col_idx(), p.values(), q.start, q.end);
                            } else {
                                sums.add_row2(w, p.pattern().col_idx(), p.values(), q.start, q.end);
                            }
                        }
                        inner.clear();
                    }
                    if !sums.drain(rows) {
                        break;
                    }
                }
            })
        })
    }
}
