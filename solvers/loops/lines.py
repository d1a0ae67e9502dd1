"""The arithmetic of the schemes on lines of cells.

Every function works elementwise on contiguous one-dimensional arrays of equal length, which a caller slices from padded
planes. ``line[s:]`` contains the neighbours of ``line`` along the axis with stride s, so one function serves every axis
and every dimension, and the compiler can vectorise it.

Constants are converted to the type of the arrays, since a literal would promote single to double precision.
"""

import math

from solvers.loops.compilation import contracted, line_function, piece

UPWIND, MINMOD, VANLEER, MC, SUPERBEE = range(5)
"""Numbers of the slope limiters in the compiled code, see :func:`half_slope`; the slope of upwind is zero."""
STEEPNESS = 1.65
"""Steepness of the tanh profile of :func:`thinc`, per half cell; docs/scheme.md documents the choice."""
_TO_MIDDLE = 1 / (math.cosh(STEEPNESS) * math.tanh(STEEPNESS))
_OFFSET = 1 / math.tanh(STEEPNESS)


@line_function
def copy(line, to):
    """Copy a line element by element; assignment to a slice would compile slowly, because of its error messages."""
    for i in range(to.size):
        to[i] = line[i]


@line_function
def negate(line):
    """Negate all numbers of a line."""
    for k in range(line.size):
        line[k] = -line[k]


@line_function
def descend(here, there, inverse_spacing, velocity):
    """Compute the velocity −∂V on faces by differences of V."""
    for i in range(velocity.size):
        velocity[i] = (here[i] - there[i]) * inverse_spacing


@piece
def half_slope(limiter, behind, ahead):
    """Return half the limited slope for two one-sided differences.

    It is 0 unless they have the same sign. Its magnitude is at most that of ``ahead``, exactly in floating point, so
    that the face value ``donor + half`` is never negative; and at most that of ``behind``, to within two roundings.
    """
    both = behind + ahead
    same = ((behind > 0) == (ahead > 0)) & (both != 0)
    if limiter == VANLEER:
        slope = ahead * (behind / both)  # half the harmonic mean, without a product that could underflow
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
    """Compute upwind fluxes ``ratio · u · μ_face`` with a slope limiter, through faces between ``here`` and ``there``.

    A donor below ``vacuum`` gives nothing. That close to the smallest normal number, products lose their relative
    accuracy, which could make a cell negative.
    """
    for i in range(flux.size):
        u, left, right = velocity[i], here[i], there[i]  # loaded before the branches, which then select values
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
    """Compute the values of each cell at its two faces by fifth-order WENO-Z.

    ``tiny``, the square of a density, is added to the smoothness indicators.

    References
    ----------
    Borges, Carmona, Costa and Don, J. Comput. Phys. 227 (2008) 3191; Jiang and Shu, J. Comput. Phys. 126 (1996) 202.
    """
    number = here.dtype.type
    one, two, three, four, five = number(1), number(2), number(3), number(4), number(5)
    curvature, slope, sixth = number(13 / 12), number(1 / 4), number(1 / 6)
    ideal0, ideal1, ideal2 = number(0.1), number(0.6), number(0.3)
    most = number(1e15)  # its square fits single precision, and the other weights are negligible beside it
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
    """Return e^x and e^−x for |x| ≤ 2, to within 1e−10, by a vectorisable series with repeated squaring."""
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
    """Return the face values of a tanh profile between the neighbours' values, and whether the profile exists.

    The profile has the average of the cell. It exists if the three values are monotone.

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
def least_variation(foot, before, here, after, smooth_before, smooth_left, smooth_right, smooth_after, left, right):
    """Choose for each cell the smooth face values or those of a tanh profile, whichever have the smaller total jump.

    The jumps are the differences from the smooth values of the previous and the next cell at the shared faces. A cell
    that holds more than the share ``foot`` of its larger neighbour is smooth: a continuous front has no foot there; see
    :func:`solvers.finite_volume.reconstruction.foot_share`.

    References
    ----------
    Sun, Inaba and Xiao, J. Comput. Phys. 322 (2016) 309 (boundary variation diminishing).
    """
    for i in range(left.size):
        smooth0, smooth1, beyond0, beyond1 = smooth_left[i], smooth_right[i], smooth_before[i], smooth_after[i]
        sharp0, sharp1, monotone = thinc(before[i], here[i], after[i])
        of_smooth = abs(beyond0 - smooth0) + abs(smooth1 - beyond1)
        of_sharp = abs(beyond0 - sharp0) + abs(sharp1 - beyond1)
        within = here[i] <= foot * max(before[i], after[i])  # if monotone, always for foot = 1
        sharper = monotone & (of_sharp < of_smooth) & within
        left[i] = sharp0 if sharper else smooth0
        right[i] = sharp1 if sharper else smooth1


@line_function
def upwind_value(velocity, here, there, face):
    """Select the value of the donor cell at each face: that at its right face if u > 0, else the next cell's left."""
    for i in range(face.size):
        left, right = here[i], there[i]
        face[i] = left if velocity[i] > 0 else right


@contracted
def split_flux(transverse, here, there, velocity, face, u, q, ratio, vacuum, low, excess):
    """Split a flux into first-order upwind, ``low``, and the excess over it, both times ``ratio``.

    The flux is u q plus ``h²/12 ∂u ∂q`` for each of the ``transverse`` axes, which corrects ⟨u⟩⟨q⟩ to the face average
    ⟨uq⟩ to fourth order. For each of these axes, ``u`` and ``q`` contain the lines of the previous and next neighbours.

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
    """Return the outflow of a cell through its two faces along an axis."""
    zero = type(upper)(0)
    return (upper if upper > zero else zero) - (lower if lower < zero else zero)


@piece
def share_kept(low, leaving, vacuum):
    """Return the share of the excess outflow that keeps a cell ≥ 0, with a margin for round-off (Zalesak's limiter).

    References
    ----------
    Zalesak, J. Comput. Phys. 31 (1979) 335.
    """
    number = type(low)
    share = min(number(1 - 1e-5) * low / leaving, number(1))
    return share if (low >= vacuum) & (share >= vacuum) else low - low


@piece
def limited(excess, keep_here, keep_there):
    """Return an excess flux, scaled by the share that its donor cell may give."""
    return excess * (keep_here if excess > 0 else keep_there)


@line_function
def pairwise_sum(terms):
    """Return the sum of a line in a fixed order that allows vectorisation; the line is overwritten.

    Eight terms are reduced to one repeatedly, so round-off grows like log n.
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
    """Return the largest of numbers ≥ 0, given as unsigned integers with the same bits, which have the same order.

    Negative numbers and NaN count as larger than infinity.
    """
    most = bits.dtype.type(0)
    for i in range(bits.size):
        most = max(most, bits[i])
    return most
