"""What a user of this card would take instead, on the problems of the benchmark: CuPy's CG with Jacobi, cuSPARSE's
products and triangular solves by CuPy or PyTorch, AMGX. A package that is not there is skipped with a line.

    python3 peers.py             # on a card
    python3 peers.py emulated    # NumPy and SciPy in the place of CuPy, in miniature: shows that this program works
"""

import importlib
import sys
import time

EMULATED = "emulated" in sys.argv[1:]
# Sides of the 5-point and 7-point Laplacian: what is solved, and products at 10⁷ unknowns.
SOLVED = [(2, 34), (2, 40), (3, 11)] if EMULATED else [(2, 1000), (3, 256), (2, 4000)]
PRODUCTS = [(2, 40), (3, 11)] if EMULATED else [(2, 3162), (3, 215)]
TRIANGLE = (2, 40) if EMULATED else (2, 1000)
RTOL = 1e-6
RUNS = 3
PRODUCT_RUNS = 20


def package(name):
    """A package, or None with a line that says why."""
    try:
        return importlib.import_module(name)
    except Exception as e:  # A broken installation raises anything.
        print(f"\n{name} is not there ({type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}): skipped")
        return None


def table(title):
    print(f"\n### {title}\n\n| what | size | time | remarks |\n|---|---|---|---|", flush=True)


def row(what, side, seconds, remarks=""):
    dimension, n = side
    scale, unit = (1e6, "µs") if seconds < 1e-3 else (1e3, "ms") if seconds < 1 else (1, "s")
    print(f"| {what} | {n}{'²' if dimension == 2 else '³'} | {scale * seconds:.3f} {unit} | {remarks} |", flush=True)


class Arrays:
    """NumPy and SciPy, or CuPy with the same names."""

    def __init__(self):
        self.xp = importlib.import_module("numpy" if EMULATED else "cupy")
        root = "scipy.sparse" if EMULATED else "cupyx.scipy.sparse"
        self.sparse = importlib.import_module(root)
        self.linalg = importlib.import_module(f"{root}.linalg")
        self.name = "SciPy" if EMULATED else "CuPy"

    def wait(self):
        if not EMULATED:
            self.xp.cuda.Device().synchronize()

    def seconds(self, work, repetitions=1, runs=RUNS):
        """The least of several runs after a first one."""
        work()
        least = float("inf")
        for _ in range(runs):
            self.wait()
            clock = time.perf_counter()
            for _ in range(repetitions):
                work()
            self.wait()
            least = min(least, (time.perf_counter() - clock) / repetitions)
        return least

    def poisson(self, side):
        """The Laplacian with 2 d on its diagonal, as the benchmark has it."""
        dimension, n = side
        sparse = self.sparse
        ones = self.xp.ones(n)
        line = sparse.diags([-ones[1:], 2 * ones, -ones[1:]], [-1, 0, 1], format="csr")
        unit = sparse.identity(n, format="csr")
        a = line
        for _ in range(dimension - 1):
            a = sparse.kron(unit, a, format="csr") + sparse.kron(
                line, sparse.identity(a.shape[0], format="csr"), format="csr"
            )
        a = sparse.csr_matrix(a)
        a.sort_indices()
        return a

    def values(self, count, seed=1):
        """The right-hand side of the benchmark."""
        i = self.xp.arange(count, dtype=self.xp.uint64)
        value = ((i * self.xp.uint64(2654435761) + self.xp.uint64(97 * seed)) >> self.xp.uint64(8)) % self.xp.uint64(1009)
        return value.astype(self.xp.float64) / 1009.0 - 0.5


def solves(arrays):
    table(f"CG with Jacobi of {arrays.name}, to {RTOL:g}, double precision")
    xp, linalg = arrays.xp, arrays.linalg
    for side in SOLVED:
        a = arrays.poisson(side)
        b = arrays.values(a.shape[0])
        inverse = 1.0 / a.diagonal()
        jacobi = linalg.LinearOperator(a.shape, matvec=lambda r: inverse * r, dtype=a.dtype)
        count = [0]

        def work():
            count[0] = 0

            def step(_):
                count[0] += 1

            # The name of the tolerance differs between versions.
            try:
                x, info = linalg.cg(a, b, rtol=RTOL, maxiter=20000, M=jacobi, callback=step)
            except TypeError:
                x, info = linalg.cg(a, b, tol=RTOL, maxiter=20000, M=jacobi, callback=step)
            work.x, work.info = x, info

        # Whole solves take seconds: one run after the first.
        seconds = arrays.seconds(work, runs=1)
        residual = float(xp.linalg.norm(b - a @ work.x) / xp.linalg.norm(b))
        each = 1e9 * seconds / (a.shape[0] * max(count[0], 1))
        verdict = "" if work.info == 0 else ", NOT CONVERGED"
        row("CG + Jacobi", side, seconds, f"{count[0]} iterations, {each:.3f} ns per unknown and iteration, "
            f"relative residual {residual:.1e}{verdict}")


def rates(bytes_moved, seconds):
    return f"{1e-9 * bytes_moved / seconds:.1f} GB/s of what must move"


def moved(a, size):
    return a.nnz * (size + 4) + a.shape[0] * (4 + 2 * size)


def products(arrays):
    table(f"products and triangular solves of cuSPARSE by {arrays.name}")
    xp = arrays.xp
    for side in PRODUCTS:
        a = arrays.poisson(side)
        for kind, size in [("f64", 8), ("f32", 4)]:
            m = a.astype(xp.float64 if size == 8 else xp.float32)
            x = arrays.values(a.shape[0]).astype(m.dtype)
            seconds = arrays.seconds(lambda: m @ x, PRODUCT_RUNS)
            row(f"SpMV, CSR, {kind}", side, seconds, rates(moved(a, size), seconds))
    a = arrays.poisson(TRIANGLE)
    lower = arrays.sparse.csr_matrix(arrays.sparse.tril(a))
    b = arrays.values(a.shape[0])
    seconds = arrays.seconds(lambda: arrays.linalg.spsolve_triangular(lower, b, lower=True))
    row("triangular solve with its analysis, f64", TRIANGLE, seconds)


def torch_products(arrays):
    torch = package("torch")
    if torch is None:
        return
    device = "cuda" if torch.cuda.is_available() and not EMULATED else "cpu"
    if device == "cpu" and not EMULATED:
        print("\nPyTorch sees no card: skipped")
        return
    table("products of cuSPARSE by PyTorch")
    for side in PRODUCTS:
        a = arrays.poisson(side)
        host = a if EMULATED else a.get()
        for kind, size in [("f64", 8), ("f32", 4)]:
            dtype = torch.float64 if size == 8 else torch.float32
            # Indices of 32 bits, as cuSPARSE prefers them.
            m = torch.sparse_csr_tensor(
                torch.from_numpy(host.indptr.astype("int32")),
                torch.from_numpy(host.indices.astype("int32")),
                torch.from_numpy(host.data).to(dtype),
                size=host.shape,
            ).to(device)
            x = torch.rand(host.shape[0], dtype=dtype, device=device)
            wait = torch.cuda.synchronize if device == "cuda" else lambda: None
            m @ x
            least = float("inf")
            for _ in range(RUNS):
                wait()
                clock = time.perf_counter()
                for _ in range(PRODUCT_RUNS):
                    m @ x
                wait()
                least = min(least, (time.perf_counter() - clock) / PRODUCT_RUNS)
            row(f"SpMV, CSR, {kind}", side, least, rates(moved(a, size), least))


def amgx(arrays):
    pyamgx = package("pyamgx")
    if pyamgx is None:
        return
    table(f"AMGX: CG with aggregation, to {RTOL:g}, double precision")
    pyamgx.initialize()
    config = pyamgx.Config().create_from_dict({
        "config_version": 2,
        "solver": {
            "solver": "PCG", "max_iters": 500, "convergence": "RELATIVE_INI_CORE", "tolerance": RTOL,
            "monitor_residual": 1, "norm": "L2",
            "preconditioner": {
                "solver": "AMG", "algorithm": "AGGREGATION", "selector": "SIZE_2", "cycle": "V",
                "smoother": {"solver": "BLOCK_JACOBI", "relaxation_factor": 0.8},
                "presweeps": 1, "postsweeps": 1, "max_iters": 1, "coarse_solver": "DENSE_LU_SOLVER",
            },
        },
    })
    resources = pyamgx.Resources().create_simple(config)
    for side in SOLVED:
        a = arrays.poisson(side)
        m = pyamgx.Matrix().create(resources)
        m.upload_CSR(a if EMULATED else a.get())
        b, x = pyamgx.Vector().create(resources), pyamgx.Vector().create(resources)
        right = arrays.values(a.shape[0])
        b.upload(right if EMULATED else right.get())
        solver = pyamgx.Solver().create(resources, config)
        clock = time.perf_counter()
        solver.setup(m)
        setup = time.perf_counter() - clock

        def work():
            x.upload(0 * (right if EMULATED else right.get()))
            solver.solve(b, x, zero_initial_guess=True)

        seconds = arrays.seconds(work)
        row("AMGX", side, seconds, f"{solver.iterations_number} iterations, {solver.status}, setup {setup:.3f} s")
        for handle in (solver, x, b, m):
            handle.destroy()
    resources.destroy()
    config.destroy()
    pyamgx.finalize()


def main():
    unknown = [a for a in sys.argv[1:] if a != "emulated"]
    if unknown:
        sys.exit(f"peers.py: {unknown[0]!r} is not an argument; 'emulated' is")
    if EMULATED:
        print("EMULATED on the processor, in miniature: times mean nothing")
    if any(package(name) is None for name in (["numpy", "scipy"] if EMULATED else ["cupy"])):
        return
    arrays = Arrays()
    failed = []
    for part in (solves, products, torch_products, amgx):
        try:
            part(arrays)
        except Exception as e:  # One peer that fails leaves the others.
            failed.append(part.__name__)
            print(f"\n{part.__name__} failed: {type(e).__name__}: {e}")
    if failed:
        sys.exit(1)


main()
