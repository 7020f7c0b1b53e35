"""The model problem and everything about its patterns, computed once and never timed."""

import torch

REAL = torch.float64


def stencil(m, offsets):
    """Rows and columns, sorted, of a stencil on an m × m grid; `offsets` are steps (down, right)."""
    i, j = torch.meshgrid(torch.arange(m), torch.arange(m), indexing="ij")
    keys = []
    for di, dj in offsets:
        inside = (i + di >= 0) & (i + di < m) & (j + dj >= 0) & (j + dj < m)
        here, there = i * m + j, (i + di) * m + j + dj
        keys.append((here * m * m + there)[inside])
    keys = torch.cat(keys).sort().values
    return keys // (m * m), keys % (m * m)


class Pattern:
    """A sorted sparsity pattern in COO and CSR, with what is needed to transpose it."""

    def __init__(self, row, col, n, index):
        self.n, self.nnz = n, len(row)
        self.coo_index = torch.stack([row, col])
        crow = torch.zeros(n + 1, dtype=torch.int64)
        crow[1:] = torch.bincount(row, minlength=n).cumsum(0)
        self.keys = row * n + col
        order = torch.argsort(col * n + row)
        crow_t = torch.zeros(n + 1, dtype=torch.int64)
        crow_t[1:] = torch.bincount(col, minlength=n).cumsum(0)
        self.offsets = crow
        self.row, self.col, self.crow = row.to(index), col.to(index), crow.to(index)
        self.order, self.crow_t, self.col_t = order.to(index), crow_t.to(index), row[order].to(index)

    def csr(self, values):
        return torch.sparse_csr_tensor(self.crow, self.col, values, (self.n, self.n))

    def coo(self, values):
        return torch.sparse_coo_tensor(self.coo_index, values, (self.n, self.n), is_coalesced=True)

    def csr_transposed(self, values):
        return torch.sparse_csr_tensor(self.crow_t, self.col_t, values.index_select(0, self.order), (self.n, self.n))

    def find(self, keys):
        """The positions of the keys row·n + column, all of which must be there."""
        return torch.searchsorted(self.keys, keys)


class Product:
    """Which pairs of nonzeros make up A·B: `left` and `right`, sorted by the slot of the result."""

    def __init__(self, a, b, index):
        a_row, a_col = a.coo_index
        b_col = b.coo_index[1]
        length = (b.offsets[1:] - b.offsets[:-1])[a_col]
        left = torch.repeat_interleave(torch.arange(a.nnz), length)
        first = torch.repeat_interleave(b.offsets[:-1][a_col] - (length.cumsum(0) - length), length)
        right = torch.arange(len(left)) + first
        keys, order = (a_row[left] * a.n + b_col[right]).sort()
        unique, count = torch.unique_consecutive(keys, return_counts=True)
        self.left, self.right = left[order].to(index), right[order].to(index)
        self.offsets = torch.cat([torch.zeros(1, dtype=torch.int64), count.cumsum(0)])
        self.slot = torch.repeat_interleave(torch.arange(len(unique)), count).to(index)
        self.pattern = Pattern(unique // a.n, unique % a.n, a.n, index)


class Problem:
    """The 5-point Poisson matrix A of order m², B like it on the rotated stencil, and dense operands.

    With `noise` the values are random, for the test of the gradients.
    """

    def __init__(self, m, index=torch.int64, noise=False):
        self.m, self.n, self.index = m, m * m, index
        generator = torch.Generator().manual_seed(1)
        self.random = lambda *shape: torch.rand(*shape, generator=generator, dtype=REAL)
        plus, cross = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)], [(0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
        self.a = Pattern(*stencil(m, plus), self.n, index)
        self.b = Pattern(*stencil(m, cross), self.n, index)
        self.a_values, self.b_values = (
            torch.where(p.coo_index[0] == p.coo_index[1], 4.0, -1.0).to(REAL) for p in (self.a, self.b)
        )
        if noise:
            self.a_values, self.b_values = (v + 0.2 * self.random(len(v)) for v in (self.a_values, self.b_values))
        row, col = self.a.coo_index
        self.lower_slots = torch.nonzero(row >= col).flatten()
        self.lower = Pattern(row[self.lower_slots], col[self.lower_slots], self.n, index)
        self.vector, self.column = self.random(self.n), self.random(self.n, 1)
        self.vector = self.column[:, 0].clone()
        self.left, self.right = self.random(self.n, 16), self.random(self.n, 16)
        self._product = None

    @property
    def product(self):
        if self._product is None:
            self._product = Product(self.a, self.a, self.index)
        return self._product
