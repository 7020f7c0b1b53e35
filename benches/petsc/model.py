"""Cost of one multigrid cycle from one rank to 10^5, by a model with measured and published parameters.

    python3 benches/petsc/model.py [--rows-per-rank 10000] [--bandwidth 5e9] [--dimension 3]

Weak scaling on a grid of `dimension` dimensions with a stencil of nearest neighbours. A level has `coarsening` times fewer
rows than the finer one; coarse operators have `fill` entries per row. For one cycle V(1,1) inside CG and P ranks:

    bytes       12 per entry and 16 per row for every product (A in the residual, M or the factors in two sweeps, P, R)
    messages    neighbours of a rank, for every product; on coarse levels at most all other ranks
    halo        the surface of a rank's box of rows, 8 bytes each
    reductions  two per iteration of CG, log2 P steps each
    coarsest    gathered on every rank: log2 P steps, all rows of it received, and a solve by every rank

    time = bytes / bandwidth + messages · latency + halo bytes / (network bandwidth of a rank) + reductions · log2 P · latency
"""

import argparse
import math

# Published figures of interconnects: one-way latency in seconds, bytes per second of a node, ranks on a node.
NETWORKS = {
    # Brightwell et al., Portals 3.3 on the Sandia/Cray Red Storm System: 2 µs nearest, 5 µs furthest, 1.5 GB/s per node.
    "Red Storm (2005)": (5e-6, 1.5e9, 1),
    # De Sensi et al., An In-Depth Analysis of the Slingshot Interconnect, SC20: 200 Gb/s per link, three hops at most. The
    # latency of 2 µs is an assumption, of the order of one on Red Storm between neighbours.
    "Slingshot (2020)": (2e-6, 25e9, 64),
}


def cycle(ranks, options, network):
    """Seconds of the parts of one iteration of CG with V(1,1), and the rows of the coarsest level."""
    latency, node_bandwidth, ranks_on_node = network
    bandwidth = node_bandwidth / min(ranks_on_node, ranks)
    d = options.dimension
    rows = options.rows_per_rank * ranks
    per_row = 2 * d + 1
    parts = dict(memory=0.0, latency=0.0, halo=0.0, reductions=0.0, coarsest=0.0)
    level = 0
    while rows > options.coarsest:
        active = min(ranks, max(1, rows))
        local = rows / active
        side = local ** (1 / d)
        neighbours = min(active - 1, 2 * d if level == 0 else 3**d - 1)
        halo = min(2 * d * side ** (d - 1), rows - local) if active > 1 else 0.0
        # Residuals of two sweeps and of the transfer (the first sweep starts from zero), two sweeps, P and R; A in CG.
        products = 2 + 2 + (1 if level == 0 else 0)
        transfers = 2
        parts["memory"] += (products * (12 * per_row + 16) + transfers * (12 * 2 + 16)) * local / options.bandwidth
        parts["latency"] += (products + transfers) * neighbours * latency
        parts["halo"] += (products + transfers) * halo * 8 / bandwidth
        rows /= options.coarsening
        per_row = options.fill
        level += 1
    if ranks > 1:
        steps = math.ceil(math.log2(ranks))
        parts["coarsest"] += steps * latency + rows * 8 / bandwidth
        parts["reductions"] += 2 * steps * latency
    parts["coarsest"] += 40 * 12 * rows / options.bandwidth
    return parts, level + 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows-per-rank", type=float, default=1e4)
    parser.add_argument("--bandwidth", type=float, default=5e9, help="bytes per second of one rank from memory, measured")
    parser.add_argument("--dimension", type=int, default=3, choices=[2, 3])
    parser.add_argument("--coarsening", type=float, default=0.0, help="default: 9 in 2-D, 20 in 3-D")
    parser.add_argument("--fill", type=float, default=0.0, help="entries per row of coarse operators; default: 9, 30")
    parser.add_argument("--coarsest", type=float, default=50)
    options = parser.parse_args()
    options.coarsening = options.coarsening or (9 if options.dimension == 2 else 20)
    options.fill = options.fill or (9 if options.dimension == 2 else 30)
    print(f"{options.rows_per_rank:g} rows per rank, {options.dimension}-D, {options.bandwidth / 1e9:g} GB/s per rank\n")
    for name, network in NETWORKS.items():
        print(f"{name}: {network[0] * 1e6:g} µs, {network[1] / 1e9:g} GB/s per node of {network[2]} ranks\n")
        print("| ranks | levels | memory µs | latency µs | halo µs | reductions µs | coarsest µs | total µs | efficiency |")
        print("|---|---|---|---|---|---|---|---|---|")
        first = None
        for exponent in range(6):
            ranks = 10**exponent
            parts, levels = cycle(ranks, options, network)
            total = sum(parts.values())
            first = first or total
            cells = " | ".join(f"{1e6 * v:.0f}" for v in parts.values())
            print(f"| {ranks} | {levels} | {cells} | {1e6 * total:.0f} | {first / total:.2f} |")
        print()


main()
