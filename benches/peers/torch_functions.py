"""Products and solves as one would write them by hand for torch: its own kernels forward, gradients on the pattern.

Each needs the pattern, and of the transpose the permutation, which are computed once.
"""

import torch


class MatVec(torch.autograd.Function):
    """A x for a vector: the CSR kernel for A and for Aᵀ, two gathers for the values."""

    @staticmethod
    def forward(ctx, values, x, pattern):
        ctx.save_for_backward(values, x)
        ctx.pattern = pattern
        return pattern.csr(values) @ x

    @staticmethod
    def backward(ctx, g):
        (values, x), p = ctx.saved_tensors, ctx.pattern
        return g.index_select(0, p.row) * x.index_select(0, p.col), p.csr_transposed(values) @ g, None


class MatMat(torch.autograd.Function):
    """A X for a block of columns: the values' gradient is the sampled product."""

    @staticmethod
    def forward(ctx, values, x, pattern):
        ctx.save_for_backward(values, x)
        ctx.pattern = pattern
        return pattern.csr(values) @ x

    @staticmethod
    def backward(ctx, g):
        (values, x), p = ctx.saved_tensors, ctx.pattern
        sampled = torch.sparse.sampled_addmm(p.csr(torch.zeros_like(values)), g, x.t())
        return sampled.values(), p.csr_transposed(values) @ g, None


class Sampled(torch.autograd.Function):
    """X Yᵀ on a pattern; the gradients of X and Y are products with a CSR matrix."""

    @staticmethod
    def forward(ctx, x, y, pattern):
        ctx.save_for_backward(x, y)
        ctx.pattern = pattern
        empty = pattern.csr(torch.zeros(pattern.nnz, dtype=x.dtype))
        return torch.sparse.sampled_addmm(empty, x, y.t(), beta=0.0).values()

    @staticmethod
    def backward(ctx, g):
        (x, y), p = ctx.saved_tensors, ctx.pattern
        return p.csr(g) @ y, p.csr_transposed(g) @ x, None


class LowerSolve(torch.autograd.Function):
    """L⁻¹ b for one column: the transposed solve, then two gathers."""

    @staticmethod
    def forward(ctx, values, b, pattern):
        x = torch.triangular_solve(b, pattern.csr(values), upper=False)[0]
        ctx.save_for_backward(values, x)
        ctx.pattern = pattern
        return x

    @staticmethod
    def backward(ctx, g):
        (values, x), p = ctx.saved_tensors, ctx.pattern
        y = torch.triangular_solve(g, p.csr(values), upper=False, transpose=True)[0]
        return -y[:, 0].index_select(0, p.row) * x[:, 0].index_select(0, p.col), y, None
