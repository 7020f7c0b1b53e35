"""Every operation in every way torch has for it: `cases(problem)` gives (operation, how, function, inputs).

`how` begins with
    csr, coo       torch's own operation, with a sparse leaf of that layout, the gradient of which is sparse
    values         torch's own operation on a COO tensor built from a vector of values, which is the leaf
    gather         index_select, segment_reduce and index_add on the vector of values; the pattern's work is not timed
    dense          torch's own operation on dense tensors
    function       a torch.autograd.Function around torch's own kernels, see torch_functions.py; the pattern's likewise
    tsgu           the library torchsparsegradutils
Results of `gather` and `function` are the vector of values of the result.
"""

import torch

from torch_functions import LowerSolve, MatMat, MatVec, Sampled

try:
    import torchsparsegradutils as tsgu
except ImportError:
    tsgu = None

zeros = lambda *shape: torch.zeros(*shape, dtype=torch.float64)


def segments(x, offsets, reduction="sum"):
    return torch.segment_reduce(x, reduction, offsets=offsets, unsafe=True)


def conjugate_gradients(product, dot, b, steps=10):
    """Ten steps from the zero guess, unrolled: nothing but products and vector operations."""
    x, r, p = torch.zeros_like(b), b, b
    rr = dot(r, r)
    for _ in range(steps):
        q = product(p)
        alpha = rr / dot(p, q)
        x, r = x + alpha * p, r - alpha * q
        new = dot(r, r)
        p, rr = r + (new / rr) * p, new
    return x


def gather_product(values, x, p):
    return segments(values * x.index_select(0, p.col), p.offsets)


def added_product(values, x, p):
    return zeros(p.n).index_add(0, p.row, values * x.index_select(0, p.col))


def gather_block(values, x, p):
    """Column by column of the transposed block, which is faster than rows of 16."""
    columns = x.t().contiguous()
    return torch.stack([segments(values * c.index_select(0, p.col), p.offsets) for c in columns.unbind()], 1)


def gather_sampled(values, x, y, p):
    for c, d in zip(x.t().contiguous().unbind(), y.t().contiguous().unbind()):
        values = torch.addcmul(values, c.index_select(0, p.row), d.index_select(0, p.col))
    return values


def gather_softmax(values, p):
    with torch.no_grad():
        top = segments(values, p.offsets, "max")
    e = (values - top.index_select(0, p.row)).exp()
    return e / segments(e, p.offsets).index_select(0, p.row)


def selection(rows, n):
    index = torch.stack([torch.arange(len(rows)), rows])
    return torch.sparse_coo_tensor(index, torch.ones(len(rows), dtype=torch.float64), (len(rows), n), is_coalesced=True)


def cases(p):
    """A list of (operation, how, function of the inputs, inputs)."""
    a, b, va, vb = p.a, p.b, p.a_values, p.b_values
    csr, coo, csr_b, coo_b = a.csr(va), a.coo(va), b.csr(vb), b.coo(vb)
    x, x1, left, right = p.vector, p.column, p.left, p.right
    v2 = va * 0.75
    csr_2, coo_2 = a.csr(v2), a.coo(v2)
    number = torch.tensor(2.5, dtype=torch.float64)
    mm, out = torch.sparse.mm, []
    add = lambda *case: out.append(case)

    add("matvec", "csr @ vector", lambda s, y: s @ y, (csr, x))
    add("matvec", "coo @ vector", lambda s, y: s @ y, (coo, x))
    add("matvec", "csr sparse.mm", mm, (csr, x1))
    add("matvec", "csr sparse.mm reduce", lambda s, y: mm(s, y, reduce="sum"), (csr, x1))
    add("matvec", "coo sparse.mm", mm, (coo, x1))
    add("matvec", "gather segment_reduce", lambda v, y: gather_product(v, y, a), (va, x))
    add("matvec", "gather index_add", lambda v, y: added_product(v, y, a), (va, x))
    add("matvec", "function", lambda v, y: MatVec.apply(v, y, a), (va, x))

    add("matmul_16", "csr @ block", lambda s, y: s @ y, (csr, left))
    add("matmul_16", "csr sparse.mm", mm, (csr, left))
    add("matmul_16", "csr sparse.mm reduce", lambda s, y: mm(s, y, reduce="sum"), (csr, left))
    add("matmul_16", "coo sparse.mm", mm, (coo, left))
    add("matmul_16", "gather segment_reduce", lambda v, y: gather_block(v, y, a), (va, left))
    add("matmul_16", "gather index_add",
        lambda v, y: zeros(p.n, 16).index_add(0, a.row, v[:, None] * y.index_select(0, a.col)), (va, left))
    add("matmul_16", "function", lambda v, y: MatMat.apply(v, y, a), (va, left))

    add("sparse_sparse", "csr sparse.mm", mm, (csr, csr_2))
    add("sparse_sparse", "csr @", lambda s, t: s @ t, (csr, csr_2))
    add("sparse_sparse", "coo sparse.mm", mm, (coo, coo_2))
    add("sparse_sparse", "values coo sparse.mm", lambda v, w: mm(a.coo(v), a.coo(w)), (va, v2))

    def gather_square(v, w):
        q = p.product
        return segments(v.index_select(0, q.left) * w.index_select(0, q.right), q.offsets)

    def added_square(v, w):
        q = p.product
        pairs = v.index_select(0, q.left) * w.index_select(0, q.right)
        return zeros(q.pattern.nnz).index_add(0, q.slot, pairs)

    add("sparse_sparse", "gather segment_reduce", gather_square, (va, v2))
    add("sparse_sparse", "gather index_add", added_square, (va, v2))

    for name, s, t in (("csr", csr, csr_2), ("coo", coo, coo_2)):
        add("add", f"{name} +", lambda s, t: s + t, (s, t))
        add("multiply", f"{name} *", lambda s, t: s * t, (s, t))
        add("scale", f"{name} * number", lambda f, s: s * f, (number, s))
    for name, s, t in (("csr", csr, csr_b), ("coo", coo, coo_b)):
        add("add_rotated", f"{name} +", lambda s, t: s + t, (s, t))
        add("multiply_rotated", f"{name} *", lambda s, t: s * t, (s, t))
    add("add", "gather", lambda v, w: v + w, (va, v2))
    add("multiply", "gather", lambda v, w: v * w, (va, v2))
    add("scale", "gather", lambda f, v: v * f, (number, va))
    union = torch.unique(torch.cat([a.keys, b.keys]))
    in_a, in_b = torch.isin(a.keys, b.keys), torch.isin(b.keys, a.keys)
    of_a, of_b = (torch.searchsorted(union, q.keys).to(p.index) for q in (a, b))
    both_a, both_b = (torch.nonzero(q).flatten().to(p.index) for q in (in_a, in_b))
    add("add_rotated", "gather index_add",
        lambda v, w: zeros(len(union)).index_copy(0, of_a.long(), v).index_add(0, of_b, w), (va, vb))
    add("multiply_rotated", "gather", lambda v, w: v.index_select(0, both_a) * w.index_select(0, both_b), (va, vb))

    add("scale_rows", "coo * column", lambda s, d: s * d, (coo, x1))
    add("scale_rows", "gather", lambda v, d: v * d.index_select(0, a.row), (va, x))

    add("transpose", "csr t().to_sparse_csr()", lambda s: s.t().to_sparse_csr(), (csr,))
    add("transpose", "coo t().coalesce()", lambda s: s.t().coalesce(), (coo,))
    add("transpose", "gather", lambda v: v.index_select(0, a.order), (va,))

    ones = torch.ones_like(x1)
    add("row_sum", "csr sum(1, keepdim)", lambda s: s.sum(1, keepdim=True), (csr,))
    add("row_sum", "coo sparse.sum", lambda s: torch.sparse.sum(s, dim=1), (coo,))
    add("row_sum", "csr sparse.mm ones", lambda s: mm(s, ones), (csr,))
    add("row_sum", "gather segment_reduce", lambda v: segments(v, a.offsets), (va,))
    add("row_sum", "gather index_add", lambda v: zeros(p.n).index_add(0, a.row, v), (va,))

    add("frobenius", "csr norm", torch.norm, (csr,))
    add("frobenius", "coo norm", torch.norm, (coo,))
    add("frobenius", "csr values().norm()", lambda s: s.values().norm(), (csr,))
    add("frobenius", "coo values().norm()", lambda s: s.coalesce().values().norm(), (coo,))
    add("frobenius", "gather", lambda v: v.norm(), (va,))

    # The matrix that sampled_addmm wants beside the product counts with the weight 0.
    empty = a.csr(torch.zeros_like(va))
    sampled = torch.sparse.sampled_addmm
    add("sampled_16", "csr sampled_addmm", lambda y, z: sampled(empty, y, z.t(), beta=0.0), (left, right))
    add("sampled_16", "gather columns", lambda y, z: gather_sampled(torch.zeros_like(va), y, z, a), (left, right))
    add("sampled_16", "gather rows",
        lambda y, z: (y.index_select(0, a.row) * z.index_select(0, a.col)).sum(1), (left, right))
    add("sampled_16", "function", lambda y, z: Sampled.apply(y, z, a), (left, right))

    lower = va[p.lower_slots]
    csr_l, coo_l = p.lower.csr(lower), p.lower.coo(lower)
    add("lower_solve", "csr triangular_solve", lambda s, y: torch.triangular_solve(y, s, upper=False)[0], (csr_l, x1))
    add("lower_solve", "function", lambda v, y: LowerSolve.apply(v, y, p.lower), (lower, x1))

    rows = torch.arange(0, p.n, 2)
    chosen = torch.nonzero(a.coo_index[0] % 2 == 0).flatten().to(p.index)
    choose = selection(rows, p.n)
    add("select_rows", "csr index_select", lambda s: s.index_select(0, rows), (csr,))
    add("select_rows", "coo index_select", lambda s: s.index_select(0, rows), (coo,))
    add("select_rows", "coo selection matrix", lambda s: mm(choose, s), (coo,))
    add("select_rows", "gather", lambda v: v.index_select(0, chosen), (va,))

    # Dense ones.
    edges, nodes = p.random(a.nnz, 4), p.random(p.n, 4)
    add("gather_rows", "dense index_select", lambda y: y.index_select(0, a.col), (nodes,))
    add("scatter_rows", "dense index_add", lambda y: zeros(p.n, 4).index_add(0, a.col, y), (edges,))
    systems = p.random(a.nnz // 64, 8, 8) + 8 * torch.eye(8, dtype=torch.float64)
    add("small_systems", "dense linalg.solve", torch.linalg.solve, (systems, p.random(a.nnz // 64, 8, 1)))
    weights = 0.5 * p.random(16, 16) - 0.25
    add("layer_tanh", "dense tanh", lambda y, w: torch.tanh(y @ w), (left, weights))

    add("softmax", "csr sparse.softmax", lambda s: torch.sparse.softmax(s, dim=1), (csr,))
    add("softmax", "coo sparse.softmax", lambda s: torch.sparse.softmax(s, dim=1), (coo,))
    add("softmax", "gather segment_reduce", lambda v: gather_softmax(v, a), (va,))

    if p.m <= 64:
        add("to_dense", "csr", lambda s: s.to_dense(), (csr,))
        add("to_dense", "coo", lambda s: s.to_dense(), (coo,))
        slots = a.keys
        add("to_dense", "gather", lambda v: zeros(p.n * p.n).index_copy(0, slots, v).view(p.n, p.n), (va,))

    flat, tall = torch.dot, lambda y, z: torch.dot(y.view(-1), z.view(-1))
    cg = conjugate_gradients
    add("cg_10", "csr @ vector", lambda s, y: cg(lambda q: s @ q, flat, y), (csr, x))
    add("cg_10", "csr sparse.mm", lambda s, y: cg(lambda q: mm(s, q), tall, y), (csr, x1))
    add("cg_10", "csr sparse.mm reduce", lambda s, y: cg(lambda q: mm(s, q, reduce="sum"), tall, y), (csr, x1))
    add("cg_10", "gather segment_reduce", lambda v, y: cg(lambda q: gather_product(v, q, a), flat, y), (va, x))
    add("cg_10", "gather index_add", lambda v, y: cg(lambda q: added_product(v, q, a), flat, y), (va, x))
    add("cg_10", "function", lambda v, y: cg(lambda q: MatVec.apply(v, q, a), flat, y), (va, x))

    one = torch.arange(p.n)
    identity = torch.sparse_coo_tensor(torch.stack([one, one]), torch.ones(p.n, dtype=torch.float64), is_coalesced=True)
    identity_csr = identity.to_sparse_csr()
    guess = 0.1 * va
    add("spai_step", "csr @", lambda s: (identity_csr - s @ csr).values().square().sum(), (a.csr(guess),))
    add("spai_step", "values coo sparse.mm",
        lambda v: (identity - mm(a.coo(v), coo)).coalesce().values().square().sum(), (guess,))

    def gather_spai(v):
        q = p.product
        product = segments(v.index_select(0, q.left) * spai_right(), q.offsets)
        return (spai_target() - product).square().sum()

    kept = {}

    def spai_right():
        if "right" not in kept:
            kept["right"] = va.index_select(0, p.product.right)
        return kept["right"]

    def spai_target():
        if "target" not in kept:
            row, col = p.product.pattern.coo_index
            kept["target"] = (row == col).to(torch.float64)
        return kept["target"]

    def added_spai(v):
        q = p.product
        return spai_target().index_add(0, q.slot, v.index_select(0, q.left) * spai_right(), alpha=-1).square().sum()

    add("spai_step", "gather segment_reduce", gather_spai, (guess,))
    add("spai_step", "gather index_add", added_spai, (guess,))

    if tsgu:
        for name, s, t in (("csr", csr, csr_l), ("coo", coo, coo_l)):
            add("matvec", f"tsgu {name} sparse_mm", tsgu.sparse_mm, (s, x1))
            add("matmul_16", f"tsgu {name} sparse_mm", tsgu.sparse_mm, (s, left))
            solve = lambda s, y: tsgu.sparse_triangular_solve(s, y, upper=False)
            add("lower_solve", f"tsgu {name} sparse_triangular_solve", solve, (t, x1))
            add("cg_10", f"tsgu {name} sparse_mm", lambda s, y: cg(lambda q: tsgu.sparse_mm(s, q), tall, y), (s, x1))
    return out
