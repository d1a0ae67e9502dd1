"""Flux-corrected transport on lines of cells: Zalesak's limiter, and the update with the limited fluxes.

Notation: f, g, h are the excess fluxes through the upper faces of the cells along the three axes. k is the share of its
excess outflow that a cell may give, and k0, k1, k2 are the shares of the next cells along the axes. An underscore
denotes the previous face or cell. Cells without a neighbour in the line are skipped.
"""

from solvers.loops.compilation import piece
from solvers.loops.lines import limited, outflow, share_kept
from solvers.loops.planes import part


@piece
def limit(dim, pitch, vacuum, low, excess_below, excess, keep):
    """Compute the share of its excess outflow that each cell of a line may give; ``low`` is the first-order step."""
    row = pitch if dim == 3 else 1
    cells = row, keep.size
    keep, low, f = part(keep, cells, 0), part(low, cells, 0), part(excess[0], cells, 0)
    if dim == 1:
        f_ = part(excess[0], cells, -1)
        for i in range(keep.size):
            keep[i] = share_kept(low[i], outflow(f[i], f_[i]), vacuum)
        return
    f_, g, g_ = part(excess_below, cells, 0), part(excess[1], cells, 0), part(excess[1], cells, -row)
    if dim == 2:
        for i in range(keep.size):
            keep[i] = share_kept(low[i], outflow(f[i], f_[i]) + outflow(g[i], g_[i]), vacuum)
    else:
        h, h_ = part(excess[2], cells, 0), part(excess[2], cells, -1)
        for i in range(keep.size):
            leaving = outflow(f[i], f_[i]) + outflow(g[i], g_[i]) + outflow(h[i], h_[i])
            keep[i] = share_kept(low[i], leaving, vacuum)


@piece
def correct(dim, pitch, low, excess_below, excess, keep_below, keep, keep_above, out):
    """Write a line of cells minus the divergence of their limited excess fluxes."""
    row = pitch if dim == 3 else 1
    cells = row, out.size - row
    out, low, k, f = part(out, cells, 0), part(low, cells, 0), part(keep, cells, 0), part(excess[0], cells, 0)
    if dim == 1:
        f_, k0, k0_ = part(excess[0], cells, -1), part(keep, cells, 1), part(keep, cells, -1)
        for i in range(out.size):
            out[i] = low[i] - (limited(f[i], k[i], k0[i]) - limited(f_[i], k0_[i], k[i]))
        return
    f_, k0, k0_ = part(excess_below, cells, 0), part(keep_above, cells, 0), part(keep_below, cells, 0)
    g, g_, k1, k1_ = (
        part(excess[1], cells, 0),
        part(excess[1], cells, -row),
        part(keep, cells, row),
        part(keep, cells, -row),
    )
    if dim == 2:
        for i in range(out.size):
            along0 = limited(f[i], k[i], k0[i]) - limited(f_[i], k0_[i], k[i])
            out[i] = low[i] - (along0 + (limited(g[i], k[i], k1[i]) - limited(g_[i], k1_[i], k[i])))
    else:
        h, h_, k2, k2_ = (
            part(excess[2], cells, 0),
            part(excess[2], cells, -1),
            part(keep, cells, 1),
            part(keep, cells, -1),
        )
        for i in range(out.size):
            along0 = limited(f[i], k[i], k0[i]) - limited(f_[i], k0_[i], k[i])
            along1 = limited(g[i], k[i], k1[i]) - limited(g_[i], k1_[i], k[i])
            out[i] = low[i] - (along0 + along1 + (limited(h[i], k[i], k2[i]) - limited(h_[i], k2_[i], k[i])))
