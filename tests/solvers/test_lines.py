"""The mathematics on lines of cells, piece by piece, against closed forms and their contracts."""

import math

import numpy as np
import pytest
from compiled import from_python
from hypothesis import given, settings
from hypothesis import strategies as st

import gridflow as gf
from solvers.finite_volume.reconstruction import reconstruction
from solvers.loops import lines

half_slope, limited_flux = from_python(lines.half_slope), from_python(lines.limited_flux)
outflow, share_kept, limited = map(from_python, (lines.outflow, lines.share_kept, lines.limited))
EPS = float(np.finfo(float).eps)
DTYPES = (np.float64, np.float32)
LIMITERS = (lines.MINMOD, lines.VANLEER, lines.MC, lines.SUPERBEE)
TINY = 1e-14
"""Added to smoothness indicators of densities near 1, as the solver does."""


def vacuum(dtype):
    """Below this a donor gives nothing, as in the solver: what is left above is right to a rounding."""
    return dtype(np.finfo(dtype).tiny / np.finfo(dtype).eps)


def averages(function, edges):
    """Averages of a smooth function over the cells between edges, to round-off."""
    nodes, weights = np.polynomial.legendre.leggauss(12)
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    return function(middle[:, None] + half[:, None] * nodes) @ weights / 2


def weno(values, tiny=TINY):
    """Left and right face values of the inner cells."""
    n = values.size - 4
    left, right = np.empty(n, values.dtype), np.empty(n, values.dtype)
    stencil = [values[k : n + k] for k in range(5)]
    lines.weno(*stencil, values.dtype.type(tiny), left, right)
    return left, right


def thinc(values):
    """Left and right face values of the inner cells where a tanh jump can be, elsewhere NaN."""
    found = [lines.thinc(*values[k : k + 3]) for k in range(values.size - 2)]
    left, right, possible = np.array(found).T
    return np.where(possible, left, np.nan), np.where(possible, right, np.nan)


# WENO-Z


@settings(max_examples=100, deadline=None)
@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-5, 5))
def test_weno_is_exact_for_averages_of_parabolas(a, b, c):
    """Each of its three stencils reproduces a parabola, so any weights that sum to 1 do."""
    edges = np.linspace(-1, 1.5, 11)
    # the antiderivative in closed form
    whole = a * edges + b * edges**2 / 2 + c * edges**3 / 3
    left, right = weno(np.diff(whole) / np.diff(edges))
    exact = a + b * edges + c * edges**2
    # coefficients of the stencils sum to 20/6 in magnitude; averages are differences over h = 1/4
    allowed = 100 * EPS * (abs(whole).max() * 4 + abs(exact).max()) + 100 * np.finfo(float).tiny
    assert left == pytest.approx(exact[2:-3], rel=0, abs=allowed)
    assert right == pytest.approx(exact[3:-2], rel=0, abs=allowed)


def test_weno_is_of_fifth_order():
    """Maximum over all faces of a sine, its extrema among them."""
    sizes, errors = (16, 32, 64, 128), []
    for n in sizes:
        edges = np.arange(-2, n + 3) / n
        wave = lambda x: 1 + 0.9 * np.sin(2 * np.pi * x)  # noqa: E731
        left, right = weno(averages(wave, edges))
        errors.append(max(abs(left - wave(edges[2:-3])).max(), abs(right - wave(edges[3:-2])).max()))
    assert gf.diagnostics.fitted_order(1 / np.array(sizes), errors) >= 4.8


def test_weno_does_not_look_across_a_jump():
    """Next to it the smooth side's stencil has all the weight: Jiang and Shu (1996)."""
    values = np.where(np.arange(20) < 10, 1.0, 3.0)
    left, right = weno(values)
    assert left == pytest.approx(values[2:-2], abs=1e-10)
    assert right == pytest.approx(values[2:-2], abs=1e-10)


@pytest.mark.parametrize("reconstruct", [weno, thinc])
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_left_is_right_in_the_mirror(reconstruct, seed):
    """To the round-off of sums taken in another order."""
    values = np.random.default_rng(seed).random(30)
    left, right = reconstruct(values)
    left_, right_ = reconstruct(values[::-1].copy())
    assert left_[::-1] == pytest.approx(right, rel=0, abs=1e-12, nan_ok=True)
    assert right_[::-1] == pytest.approx(left, rel=0, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("peak", [1e2, 1e4, 1e7])
def test_weno_is_finite_where_one_cell_holds_everything(dtype, peak):
    """In single precision too; face values stay of the size of the data."""
    values = np.zeros(15, dtype)
    values[7] = peak
    left, right = weno(values)
    assert np.isfinite(left).all()
    assert np.isfinite(right).all()
    # each stencil's coefficients sum to at most 20/6 in magnitude
    assert max(abs(left).max(), abs(right).max()) <= 4 * peak


# THINC


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_exponentials(dtype):
    """Within 1e−10 (the series leaves out 8 (x/8)¹⁰/10!, 2e−12); in single precision, within some roundings."""
    found, exact = [], []
    for x in np.linspace(-2, 2, 4001).astype(dtype):
        found.append(lines.exponentials(x))
        exact.append((math.exp(float(x)), math.exp(-float(x))))
    assert all(type(value) in (dtype, float) for pair in found for value in pair)
    allowed = 1e-10 if dtype is np.float64 else 64 * float(np.finfo(np.float32).eps)
    assert np.array(found, float) == pytest.approx(np.array(exact), rel=allowed)


monotone_cells = st.tuples(st.floats(-3, 3), st.floats(1e-6, 4), st.floats(0.001, 0.999), st.booleans())


def triple(cells):
    """Averages of three cells, monotone, the middle one at a share of the way."""
    low, jump, share, rising = cells
    a, c = (low, low + jump) if rising else (low + jump, low)
    return np.array([a, a + share * (c - a), c])


@settings(max_examples=300, deadline=None)
@given(monotone_cells)
def test_thinc_keeps_the_average_and_lies_between_the_neighbours(cells):
    """The profile is middle + jump tanh(θ + β x) with x from 0 to 1 in the cell: integrate it."""
    a, b, c = triple(cells)
    left, right, possible = lines.thinc(a, b, c)
    assert possible == ((c - b) * (b - a) > 1e-14 * max(a * a, c * c))
    if not possible:
        return
    middle, jump = (a + c) / 2, (c - a) / 2
    # e^x is right to 1e−10, relative to a jump and with the derivative of what is made of it, below 3
    allowed = 3e-10 * abs(jump) + 8 * EPS * max(abs(a), abs(c))
    assert min(a, b) - allowed <= left <= max(a, b) + allowed
    assert min(b, c) - allowed <= right <= max(b, c) + allowed
    assert (right - left) * (c - a) >= 0
    at_left, at_right = (left - middle) / jump, (right - middle) / jump
    if max(abs(at_left), abs(at_right)) < 1 - 1e-4:  # else atanh is too ill conditioned to invert
        theta = math.atanh(at_left)
        nodes, weights = np.polynomial.legendre.leggauss(40)
        profile = middle + jump * np.tanh(theta + lines.STEEPNESS * (nodes + 1) / 2)
        assert weights @ profile / 2 == pytest.approx(b, rel=0, abs=allowed)
        assert math.tanh(theta + lines.STEEPNESS) == pytest.approx(at_right, rel=0, abs=allowed / abs(jump))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", [(0, 1, 0.5), (1, 0, 0), (0.5, 0.5, 0.7), (0.2, 0.2, 0.2), (0, 0, 0), (1, 0.5, 2)])
def test_cells_that_are_not_monotone_hold_no_jump(values, dtype):
    assert not lines.thinc(*(dtype(value) for value in values))[2]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("foot", [1.0, 0.7])
def test_a_cell_takes_the_values_that_jump_less_to_its_neighbours(dtype, foot):
    """And the smooth ones, its average too, where it holds no jump or more than a share of its larger neighbour."""
    rng = np.random.default_rng(0)
    before, here, after, beyond0, smooth0, smooth1, beyond1 = rng.random((7, 500)).astype(dtype)
    left, right = np.empty((2, 500), dtype)
    lines.least_variation(dtype(foot), before, here, after, beyond0, smooth0, smooth1, beyond1, left, right)
    chosen = 0
    for i in range(500):
        sharp0, sharp1, possible = lines.thinc(before[i], here[i], after[i])
        possible &= here[i] <= dtype(foot) * max(before[i], after[i])
        of_smooth = abs(beyond0[i] - smooth0[i]) + abs(smooth1[i] - beyond1[i])
        sharper = possible and abs(beyond0[i] - sharp0) + abs(sharp1 - beyond1[i]) < of_smooth
        assert (left[i], right[i]) == ((sharp0, sharp1) if sharper else (smooth0[i], smooth1[i]))
        chosen += sharper
    assert 20 < chosen < 480


def test_a_step_is_sharp_and_a_wave_is_smooth():
    """The cell that a step cuts takes the tanh, whose jumps to its neighbours are smaller; nothing does on a sine."""

    def chosen(values):
        smooth_left, smooth_right = weno(values)
        left, right = np.empty((2, smooth_left.size - 2))
        lines.least_variation(
            1.0, values[2:-4], values[3:-3], values[4:-2],
            smooth_right[:-2], smooth_left[1:-1], smooth_right[1:-1], smooth_left[2:], left, right,
        )  # fmt: skip
        return left, right, smooth_left[1:-1], smooth_right[1:-1]

    step = np.where(np.arange(21) < 10, 0.0, 1.0)
    step[10] = 0.6
    left, right, smooth_left, smooth_right = chosen(step)
    assert (left[7], right[7]) == lines.thinc(0.0, 0.6, 1.0)[:2]
    assert left[7] + (1 - right[7]) < smooth_left[7] + (1 - smooth_right[7])
    assert abs(left[:7]).max() < 1e-10  # WENO's weights there are not 0 but tiny
    wave = averages(lambda x: 2 + np.sin(2 * np.pi * x), np.linspace(0, 1, 65))
    left, right, smooth_left, smooth_right = chosen(wave)
    assert (left == smooth_left).all()
    assert (right == smooth_right).all()


# slopes


@settings(max_examples=1000, deadline=None)
@given(
    limiter=st.sampled_from(LIMITERS),
    exponents=st.tuples(st.floats(-320, 300), st.floats(-320, 300)),
    signs=st.tuples(st.sampled_from((1, -1)), st.sampled_from((1, -1))),
)
def test_half_a_limited_slope_never_exceeds_either_difference(limiter, exponents, signs):
    """Over all magnitudes of double precision: exactly not the one ahead, and the one behind within two roundings.

    One of them is that of a quotient, which below the smallest normal number is one of half the smallest number.
    """
    behind, ahead = (sign * 10.0**exponent for sign, exponent in zip(signs, exponents, strict=True))
    half = half_slope(limiter, behind, ahead)
    assert abs(half) <= abs(ahead)
    assert abs(half) <= abs(behind) * (1 + EPS) + abs(ahead) * math.ulp(0.0)
    assert half == 0 or (half > 0) == (ahead > 0) == (behind > 0)


@pytest.mark.parametrize("limiter", LIMITERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_limited_slope_of_equal_differences_is_theirs(limiter, dtype):
    """What makes the scheme second order; and 0 at an extremum or beside a constant."""
    for d in (dtype(0.5), dtype(-0.75)):
        assert half_slope(limiter, d, d) == d / 2
        for behind, ahead in ((d, -d), (d, dtype(0)), (dtype(0), d)):
            assert half_slope(limiter, behind, ahead) == 0


@settings(max_examples=300, deadline=None)
@given(
    limiter=st.sampled_from((lines.UPWIND, *LIMITERS)),
    exponents=st.lists(st.floats(-40, 37), min_size=4, max_size=4),
    u=st.sampled_from((1.0, -1.0)),
    dtype=st.sampled_from(DTYPES),
)
def test_face_values_lie_between_the_two_cells_and_below_twice_the_donor(limiter, exponents, u, dtype):
    """Over all magnitudes of single precision; a donor below the vacuum gives nothing."""
    behind, here, there, beyond = (np.array([10.0**x]).astype(dtype) for x in exponents)
    flux = np.empty(1, dtype)
    limited_flux(limiter, behind, here, there, beyond, np.array([u], dtype), dtype(1), vacuum(dtype), flux)
    face, donor = flux[0] / dtype(u), (here if u > 0 else there)[0]
    if donor < vacuum(dtype):
        assert face == 0
        return
    assert face >= 0
    round_off = 4 * np.finfo(dtype).eps * max(here, there)[0]
    assert min(here, there)[0] - round_off <= face <= max(here, there)[0] + round_off
    assert face <= 2 * donor * (1 + 4 * np.finfo(dtype).eps)


# fluxes beyond upwind


def across(n, transverse):
    """A smooth u and q on lines that fill a face, their averages over cells and that of the product."""
    edges = np.arange(-1, n + 2) / n
    u = (lambda y: 0.3 + np.sin(2 * np.pi * y + 0.4), lambda z: 1.5 + np.cos(2 * np.pi * z))
    q = (lambda y: 2 + np.cos(2 * np.pi * y), lambda z: 1 + 0.5 * np.sin(2 * np.pi * z + 1))

    def whole(functions):
        lines_ = [averages(f, edges) for f in functions[:transverse]]
        return lines_[0] if transverse == 1 else np.multiply.outer(*lines_)

    return whole(u), whole(q), whole([lambda x, f=f, g=g: f(x) * g(x) for f, g in zip(u, q, strict=True)])


@pytest.mark.parametrize("transverse", [1, 2])
@pytest.mark.parametrize("corrected", [True, False])
def test_the_average_of_a_product_to_fourth_order(transverse, corrected):
    """⟨uq⟩ − ⟨u⟩⟨q⟩ is h²/12 ∂u ∂q for each axis across the flow, and O(h⁴) beyond it."""
    sizes, errors = (16, 32, 64), []
    for n in sizes:
        u, q, exact = across(n, transverse)
        core = (slice(1, -1),) * transverse

        def neighbours(values, axis, core=core):
            def moved(k):
                chosen = tuple(
                    slice(1 + k, values.shape[a] - 1 + k) if a == axis else part for a, part in enumerate(core)
                )
                return values[chosen].ravel()

            return moved(-1), moved(1)

        pairs = [tuple(neighbours(values, min(a, transverse - 1)) for a in range(2)) for values in (u, q)]
        low, excess = np.empty(u[core].size), np.empty(u[core].size)
        nothing = np.zeros_like(low)
        lines.split_flux(
            transverse if corrected else 0,
            nothing, nothing, u[core].ravel(), q[core].ravel(), *pairs, 1.0, vacuum(np.float64), low, excess,
        )  # fmt: skip
        assert not low.any()  # nothing in the donor cells
        errors.append(abs(excess - exact[core].ravel()).max())
    order = gf.diagnostics.fitted_order(1 / np.array(sizes), errors)
    assert order >= 3.8 if corrected else order <= 2.2


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_flux_is_split_into_upwind_and_the_rest(dtype):
    rng = np.random.default_rng(2)
    here, there, face = rng.random((3, 100)).astype(dtype)
    velocity = rng.standard_normal(100).astype(dtype)
    here[:10] = there[:10] = 0.0
    low, excess = np.empty((2, 100), dtype)
    none = ((face, face), (face, face))
    lines.split_flux(0, here, there, velocity, face, none, none, dtype(0.5), vacuum(dtype), low, excess)
    donor = np.where(velocity > 0, here, there)
    assert (low == dtype(0.5) * velocity * donor).all()
    assert low + excess == pytest.approx(0.5 * velocity * face, rel=0, abs=4 * float(np.finfo(dtype).eps))


magnitudes = st.floats(-330, 20)


@settings(max_examples=500, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES),
    low=magnitudes,
    excesses=st.lists(st.one_of(st.none(), magnitudes), min_size=6, max_size=6),
)
def test_what_a_cell_keeps_leaves_it_nonnegative(dtype, low, excesses):
    """Whatever leaves through its six faces and whatever the sizes, down to the smallest numbers; nothing comes in."""
    scale = 1.0 if dtype is np.float64 else 0.14  # exponents of single precision
    numbers = [0.0 if x is None else 10.0 ** (scale * x) for x in excesses]
    held, full = dtype(10.0 ** (scale * low)), dtype(1)
    pairs = [(dtype(-lower), dtype(upper)) for lower, upper in zip(numbers[:3], numbers[3:], strict=True)]
    out0, out1, out2 = (outflow(upper, lower) for lower, upper in pairs)
    leaving = out0 + out1 + out2
    keep = dtype(share_kept(held, leaving, vacuum(dtype)))
    assert 0 <= keep <= 1
    f, g, h = (dtype(limited(upper, keep, full)) - dtype(limited(lower, full, keep)) for lower, upper in pairs)
    left_over = held - (f + g + h)  # in the order of the solver
    assert left_over.dtype == dtype
    assert left_over >= 0
    if leaving <= 0.9 * held and held >= vacuum(dtype):
        assert keep == 1  # only what would make it negative is limited


# sums and maxima


@settings(max_examples=200, deadline=None)
@given(n=st.integers(1, 3000), seed=st.integers(0, 2**16), spread=st.floats(0, 8))
def test_a_pairwise_sum_is_right_to_a_logarithm_of_roundings(n, seed, spread):
    rng = np.random.default_rng(seed)
    terms = rng.standard_normal(n) * np.exp(spread * rng.standard_normal(n))
    exact, size = math.fsum(terms), math.fsum(abs(terms))
    assert abs(lines.pairwise_sum(terms.copy()) - exact) <= math.ceil(math.log2(max(n, 2))) * EPS / 2 * size * (1 + EPS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_shows_what_is_not_sound(dtype):
    bits = np.dtype(f"u{np.dtype(dtype).itemsize}")

    def largest(*values):
        found = lines.largest(np.array(values, dtype).view(bits))
        return np.array([found]).astype(bits).view(dtype)[0]

    assert largest(0.0, 2.5, 1e-30, 2.0) == 2.5
    assert largest(0.0, 0.0) == 0
    assert largest(3.0, np.inf, 1.0) == np.inf
    assert largest(3.0, -1e-30, np.inf) < 0
    assert np.isnan(largest(3.0, np.nan, np.inf, 1.0))


def test_a_limiter_is_that_of_its_name():
    numbers = {"vanleer": lines.VANLEER, "minmod": lines.MINMOD, "mc": lines.MC, "superbee": lines.SUPERBEE}
    assert {name: reconstruction("muscl", name).scheme for name in numbers} == numbers
    assert reconstruction("upwind", "mc").scheme == lines.UPWIND
