"""Sparse operations with gradients in PyTorch on the CPU: one line of JSON per operation, way and size.

    python torch_operations.py                                      everything, one thread
    python torch_operations.py --sizes 64 256 --match 'matvec|cg'   some of it

The matrix is the 5-point Poisson matrix of order m², double precision. `forward` runs without recording a graph;
`both` records it and computes the gradients of all inputs for a fixed cotangent, for `spai_step` with a step of Adam.
Before anything is timed, every way is tested on a small matrix: its gradients against central differences, its result
against the other ways of the same operation. One that fails gives a line with "error" instead of times, and so does
one that needs more memory than --memory, which is what torch's dense gradients (order m² squared) run into.
Ways are explained in torch_cases.py.
"""

import argparse
import gc
import importlib.metadata
import json
import os
import re
import statistics
import sys
import time
import warnings


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=[64, 256, 512], metavar="M", help="grids of M × M")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--match", default="", help="only those whose 'operation: how' this expression finds")
    parser.add_argument("--repeats", type=int, default=5, help="at least so many runs, and --seconds of them")
    parser.add_argument("--seconds", type=float, default=0.3, help="goes on repeating for so long")
    parser.add_argument("--limit", type=float, default=60.0, help="no further repeat after so many seconds")
    parser.add_argument("--memory", type=float, default=8.0, help="GiB that the process may take")
    parser.add_argument("--index", choices=["int32", "int64"], default="int32", help="CSR and gather indices")
    return parser.parse_args()


OPTIONS = parse()
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(OPTIONS.threads)

import torch  # noqa: E402  the number of threads has to be known before

from torch_cases import cases  # noqa: E402
from torch_problem import Problem  # noqa: E402


def limit_memory(gibibytes):
    """So that a dense gradient of a large matrix fails at once and does not fill the machine."""
    try:
        import resource
    except ImportError:
        return
    size = int(gibibytes * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def values(t):
    """The stored values of a tensor of any layout, as a dense tensor."""
    if t.layout == torch.strided:
        return t
    return t.coalesce().values() if t.layout == torch.sparse_coo else t.values()


def with_values(t, new):
    """A tensor of the pattern of t."""
    if t.layout == torch.strided:
        return new.reshape(t.shape)
    if t.layout == torch.sparse_coo:
        return torch.sparse_coo_tensor(t.coalesce().indices(), new, t.shape, is_coalesced=True)
    if t.layout == torch.sparse_csr:
        return torch.sparse_csr_tensor(t.crow_indices(), t.col_indices(), new, t.shape)
    return torch.sparse_csc_tensor(t.ccol_indices(), t.row_indices(), new, t.shape)


def on_pattern(gradient, t):
    """The entries of a gradient at the stored entries of t; small matrices only."""
    if t.layout == torch.strided:
        return gradient.to_dense().reshape(-1)
    index = t.to_sparse_coo().coalesce().indices()
    return gradient.to_dense()[index[0].long(), index[1].long()]


def leaves(inputs):
    return tuple(t.detach().clone().requires_grad_() for t in inputs)


def short(error):
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:160]}"


def test(function, inputs):
    """None or what is wrong with the gradients; and the square of the norm of the result."""
    try:
        some = leaves(inputs)
        result = function(*some)
    except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
        return "forward: " + short(error), None
    size = float(values(result).detach().square().sum())
    generator = torch.Generator().manual_seed(2)
    random = lambda like: torch.rand(like.shape, generator=generator, dtype=torch.float64) - 0.5
    weight = random(values(result).detach())
    try:
        gradients = torch.autograd.grad(result, some, with_values(result.detach(), weight))
    except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
        return "backward: " + short(error), size
    for k, t in enumerate(inputs):
        direction, step = random(values(t)), 1e-5
        ends = []
        for sign in (1, -1):
            moved = list(inputs)
            moved[k] = with_values(t, values(t) + sign * step * direction)
            with torch.no_grad():
                ends.append(float((values(function(*moved)) * weight).sum()))
        difference = (ends[0] - ends[1]) / (2 * step)
        gradient = float(on_pattern(gradients[k], t) @ direction.reshape(-1))
        if not abs(difference - gradient) <= 1e-6 * max(abs(difference), 1.0):
            return f"gradient {k} is {gradient}, the difference quotient {difference}", size
    return None, size


def tested(options):
    """What is wrong, by operation and way."""
    wrong, sizes = {}, {}
    for operation, how, function, inputs in cases(Problem(6, getattr(torch, options.index), noise=True)):
        if not re.search(options.match, f"{operation}: {how}"):
            continue
        wrong[operation, how], size = test(function, inputs)
        if size is not None:
            first = sizes.setdefault(operation, size)
            if abs(first - size) > 1e-10 * abs(first):
                wrong[operation, how] = f"the result differs from another way's: {size}, {first}"
    return wrong


def repeat(run, options):
    """Wall and processor times of the runs; the first one, which warms up, is not counted."""
    run()
    gc.collect()
    gc.disable()
    wall, processor, start = [], [], time.perf_counter()
    while True:
        c, t = time.process_time(), time.perf_counter()
        run()
        wall.append(time.perf_counter() - t)
        processor.append(time.process_time() - c)
        spent = time.perf_counter() - start
        if len(wall) >= options.repeats and spent >= options.seconds or spent + wall[-1] > options.limit:
            break
    gc.enable()
    return wall, processor


def with_adam(function, inputs):
    """One step of training: the loss, its gradient, a step of Adam that is fused where torch can."""
    leaf = inputs[0]
    try:
        optimizer = torch.optim.Adam([leaf], lr=1e-4, fused=True)
    except RuntimeError:
        optimizer = torch.optim.Adam([leaf], lr=1e-4)

    def run():
        optimizer.zero_grad()
        function(leaf).backward()
        optimizer.step()

    return run


def measure(operation, function, inputs, options):
    inputs = leaves(inputs)

    def forward():
        with torch.no_grad():
            return function(*inputs)

    if operation == "spai_step":
        both = with_adam(function, inputs)
    else:
        result = forward()
        weight = with_values(result, torch.ones_like(values(result)))
        del result

        def both():
            return torch.autograd.grad(function(*inputs), inputs, weight)

    forward_wall, forward_cpu = repeat(forward, options)
    both_wall, both_cpu = repeat(both, options)
    return {
        "forward_s": min(forward_wall),
        "forward_median_s": statistics.median(forward_wall),
        "both_s": min(both_wall),
        "both_median_s": statistics.median(both_wall),
        "cpu_forward_s": min(forward_cpu),
        "cpu_both_s": min(both_cpu),
        "repeats": len(both_wall),
    }


def main():
    options = OPTIONS
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    limit_memory(options.memory)
    wrong = tested(options)
    for m in options.sizes:
        for operation, how, function, inputs in cases(Problem(m, getattr(torch, options.index))):
            if not re.search(options.match, f"{operation}: {how}"):
                continue
            library = "torchsparsegradutils" if how.startswith("tsgu") else "torch"
            version = importlib.metadata.version(library)
            line = {"library": library, "version": version, "operation": operation, "how": how}
            line.update(m=m, threads=options.threads)
            if wrong.get((operation, how)):
                line["error"] = wrong[operation, how]
            else:
                try:
                    line.update(measure(operation, function, inputs, options))
                except (RuntimeError, MemoryError, NotImplementedError) as error:
                    line["error"] = short(error)
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
