"""The mathematics of the scheme on lines of cells.

Every function works elementwise on contiguous arrays of one dimension and of one length, which a caller cuts from
padded planes: ``line[s:]`` beside ``line`` is the neighbour along whichever axis has the stride s. So one function
serves every axis and every dimension, and the compiler makes vector instructions of it.

Numbers are made of the arrays' own type: a literal would turn single precision into double.
"""

import math

from solvers.loops.compilation import contracted, line_function, piece

UPWIND, MINMOD, VANLEER, MC, SUPERBEE = range(5)
"""Numbers of the limiters of :func:`half_slope` in the compiled code; the slope of upwind is zero."""
STEEPNESS = 1.65
"""Steepness of the tanh jump of :func:`thinc` per half cell; docs/scheme.md has the measurements behind it."""
_TO_MIDDLE = 1 / (math.cosh(STEEPNESS) * math.tanh(STEEPNESS))
_OFFSET = 1 / math.tanh(STEEPNESS)


@line_function
def copy(line, to):
    """Copy a line element by element; assigning to a slice would compile slowly, because of its error messages."""
    for i in range(to.size):
        to[i] = line[i]


@line_function
def negate(line):
    """Change the sign of all numbers of a line."""
    for k in range(line.size):
        line[k] = -line[k]


@line_function
def descend(here, there, inverse_spacing, velocity):
    """Velocity −∂V on faces by differences of V."""
    for i in range(velocity.size):
        velocity[i] = (here[i] - there[i]) * inverse_spacing


@piece
def half_slope(limiter, behind, ahead):
    """Half of the slope that a limiter makes of two one-sided differences.

    It is 0 unless they have the same sign; its magnitude is at most that of ``ahead`` in floating point too (so the
    face value ``donor + half`` is never negative) and that of ``behind`` within two roundings.
    """
    both = behind + ahead
    same = ((behind > 0) == (ahead > 0)) & (both != 0)
    if limiter == VANLEER:
        slope = ahead * (behind / both)  # half of the harmonic mean, without a product that could underflow
    else:
        number = type(ahead)
        half = number(0.5)
        small, large = min(abs(behind), abs(ahead)), max(abs(behind), abs(ahead))
        if limiter == MINMOD:
            slope = half * small
        elif limiter == MC:
            slope = min(small, half * (half * small + half * large))
        else:
            slope = min(small, half * large)
        slope = slope if ahead > 0 else -slope
    return slope if same else ahead - ahead


@piece
def limited_flux(limiter, behind, here, there, beyond, velocity, ratio, vacuum, flux):
    """Upwind flux ``ratio · u · μ_face`` with a limited slope, through the face between ``here`` and ``there``.

    A donor below ``vacuum`` gives nothing: so close to the smallest normal number products lose their relative
    accuracy, and with it positivity.
    """
    for i in range(flux.size):
        u, left, right = velocity[i], here[i], there[i]  # loaded before a choice, which is then one of values
        before, after = behind[i], beyond[i]
        onward = right - left
        donor = left if u > 0 else right
        face = donor
        if limiter != UPWIND:
            onward = onward if u > 0 else -onward
            since = left - before if u > 0 else right - after
            face += half_slope(limiter, since, onward)
        flux[i] = ratio * u * face if donor >= vacuum else donor - donor


@contracted
def weno(m2, m1, here, p1, p2, tiny, left, right):
    """Values of each cell at its own two faces, WENO-Z of fifth order.

    ``tiny`` is added to the smoothness indicators, in their unit, the square of a density.

    References
    ----------
    Borges, Carmona, Costa and Don, J. Comput. Phys. 227 (2008) 3191; Jiang and Shu, J. Comput. Phys. 126 (1996) 202.
    """
    number = here.dtype.type
    one, two, three, four, five = number(1), number(2), number(3), number(4), number(5)
    curvature, slope, sixth = number(13 / 12), number(1 / 4), number(1 / 6)
    ideal0, ideal1, ideal2 = number(0.1), number(0.6), number(0.3)
    most = number(1e15)  # its square fits single precision, and a weight so much larger leaves nothing to the others
    for i in range(here.size):
        middle = here[i]
        ab, bc, cd, de = m1[i] - m2[i], middle - m1[i], p1[i] - middle, p2[i] - p1[i]
        bend, tilt = bc - ab, three * bc - ab
        smooth0 = curvature * bend * bend + (slope * tilt * tilt + tiny)
        bend, tilt = cd - bc, cd + bc
        smooth1 = curvature * bend * bend + (slope * tilt * tilt + tiny)
        bend, tilt = de - cd, three * cd - de
        smooth2 = curvature * bend * bend + (slope * tilt * tilt + tiny)
        global_ = abs(smooth0 - smooth2)
        ratio0 = min(global_ / smooth0, most)
        ratio1 = min(global_ / smooth1, most)
        ratio2 = min(global_ / smooth2, most)
        weight0, weight1, weight2 = one + ratio0 * ratio0, ideal1 * (one + ratio1 * ratio1), one + ratio2 * ratio2
        first, last = ideal0 * weight0, ideal2 * weight2
        on_right = first + weight1 + last
        upward = first * (five * bc - two * ab) + weight1 * (two * cd + bc) + last * (four * cd - de)
        first, last = ideal0 * weight2, ideal2 * weight0
        on_left = first + weight1 + last
        downward = first * (five * cd - two * de) + weight1 * (two * bc + cd) + last * (four * bc - ab)
        right[i] = middle + sixth * upward / on_right
        left[i] = middle - sixth * downward / on_left


@contracted
def exponentials(x):
    """e^x and e^−x for |x| ≤ 2 within 1e−10 of each, by a series and squarings, which vector instructions can do."""
    number = type(x)
    one = number(1)
    x = x * number(1 / 8)
    square = x * x
    even = number(1 / 24) + square * (number(1 / 720) + square * number(1 / 40320))
    even = one + square * (number(1 / 2) + square * even)
    odd = number(1 / 120) + square * (number(1 / 5040) + square * number(1 / 362880))
    odd = x * (one + square * (number(1 / 6) + square * odd))
    up, down = even + odd, even - odd
    up, down = up * up, down * down
    up, down = up * up, down * down
    return up * up, down * down


@contracted
def thinc(before, here, after):
    """Values of a cell at its own two faces if it holds a tanh jump between its neighbours' values, and whether it can.

    It can where the three values are monotone; the profile has the cell's average.

    References
    ----------
    Xiao, Honma and Kono, Int. J. Numer. Meth. Fluids 48 (2005) 1023.
    """
    number = type(here)
    half, flat, steep = number(0.5), number(1e-14), number(STEEPNESS)
    to_middle, offset = number(_TO_MIDDLE), number(_OFFSET)
    middle, jump = half * (before + after), half * (after - before)
    up, down = exponentials(steep * ((here - middle) / jump))
    monotone = (after - here) * (here - before) > flat * max(before * before, after * after)
    return middle + jump * (up * to_middle - offset), middle + jump * (offset - down * to_middle), monotone


@contracted
def least_variation(before, here, after, smooth_before, smooth_left, smooth_right, smooth_after, left, right):
    """Choose for every cell the smooth values at its faces or those of a tanh jump, whichever jump less there.

    The jumps are those to the smooth values of the cells before (at its right face) and after (at its left face).

    References
    ----------
    Sun, Inaba and Xiao, J. Comput. Phys. 322 (2016) 309 (boundary variation diminishing).
    """
    for i in range(left.size):
        smooth0, smooth1, beyond0, beyond1 = smooth_left[i], smooth_right[i], smooth_before[i], smooth_after[i]
        sharp0, sharp1, monotone = thinc(before[i], here[i], after[i])
        of_smooth = abs(beyond0 - smooth0) + abs(smooth1 - beyond1)
        of_sharp = abs(beyond0 - sharp0) + abs(sharp1 - beyond1)
        sharper = monotone & (of_sharp < of_smooth)
        left[i] = sharp0 if sharper else smooth0
        right[i] = sharp1 if sharper else smooth1


@line_function
def upwind_value(velocity, here, there, face):
    """Value at a face: that of the donor cell, from its right face if u > 0, else the next cell's left face."""
    for i in range(face.size):
        left, right = here[i], there[i]
        face[i] = left if velocity[i] > 0 else right


@contracted
def split_flux(transverse, here, there, velocity, face, u, q, ratio, vacuum, low, excess):
    """Split a flux into first-order upwind, ``low``, and what it carries beyond; both times ``ratio``.

    The flux is u q with ``h²/12 ∂u ∂q`` of each of so many ``transverse`` axes added, which makes ⟨u⟩⟨q⟩ the average
    ⟨uq⟩ to fourth order. ``u`` and ``q`` hold two lines for each, the neighbours before and after.

    References
    ----------
    McCorquodale and Colella, Comm. Appl. Math. Comput. Sci. 6 (2011) 1.
    """
    share = low.dtype.type(1 / 48)
    (u0, u1), (u2, u3), (q0, q1), (q2, q3) = u[0], u[1], q[0], q[1]
    for i in range(low.size):
        v, left, right = velocity[i], here[i], there[i]
        donor = left if v > 0 else right
        high = v * face[i]
        if transverse > 0:
            high += (u1[i] - u0[i]) * (q1[i] - q0[i]) * share
        if transverse > 1:
            high += (u3[i] - u2[i]) * (q3[i] - q2[i]) * share
        first_order = ratio * v * donor if donor >= vacuum else donor - donor
        low[i] = first_order
        excess[i] = ratio * high - first_order


@piece
def outflow(upper, lower):
    """Outflow of a cell through its two faces along an axis."""
    zero = type(upper)(0)
    return (upper if upper > zero else zero) - (lower if lower < zero else zero)


@piece
def share_kept(low, leaving, vacuum):
    """Share of the excess fluxes out of a cell that leaves it ≥ 0 with a margin for rounding (Zalesak's limiter).

    References
    ----------
    Zalesak, J. Comput. Phys. 31 (1979) 335.
    """
    number = type(low)
    share = min(number(1 - 1e-5) * low / leaving, number(1))
    return share if (low >= vacuum) & (share >= vacuum) else low - low


@piece
def limited(excess, keep_here, keep_there):
    """An excess flux, scaled by the share that its donor cell may give."""
    return excess * (keep_here if excess > 0 else keep_there)


@line_function
def pairwise_sum(terms):
    """Sum of a line in a fixed order that vector instructions can follow; the line is destroyed.

    Eight terms become one again and again, so the round-off grows like log n.
    """
    n = terms.size
    while n >= 64:
        m = (n + 7) // 8
        a, b, c, d = terms[:m], terms[m : 2 * m], terms[2 * m : 3 * m], terms[3 * m : 4 * m]
        e, f, g, h = terms[4 * m : 5 * m], terms[5 * m : 6 * m], terms[6 * m : 7 * m], terms[7 * m : n]
        for i in range(h.size):
            a[i] = ((a[i] + b[i]) + (c[i] + d[i])) + ((e[i] + f[i]) + (g[i] + h[i]))
        for i in range(h.size, m):
            a[i] = ((a[i] + b[i]) + (c[i] + d[i])) + ((e[i] + f[i]) + g[i])
        n = m
    while n > 1:
        half = n // 2
        for i in range(half):
            terms[i] += terms[n - half + i]
        n -= half
    return terms[0]


@line_function
def largest(bits):
    """Largest of numbers ≥ 0 seen as whole numbers without a sign, whose order is theirs.

    A negative number counts as larger than infinity, and so does one that is not a number.
    """
    most = bits.dtype.type(0)
    for i in range(bits.size):
        most = max(most, bits[i])
    return most
