"""Fourier transforms between scattered points on the torus and its modes, by FINUFFT.

The points are split into contiguous pieces. Each piece has its own plan and is processed by one thread. The number of
pieces depends only on the numbers of points and modes, and the results of the pieces are summed in order. The result
therefore has the same bits for any number of threads, unlike with FINUFFT's own threads, which add in any order.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gridflow.compute.threads import available, team
from gridflow.errors import InputError

FEWEST_POINTS = 2**14
"""Smallest number of points for which a second piece pays for waking a thread."""
MAX_POINT_PIECES = 32
"""Largest number of pieces of points; more would not speed up a run."""
_UPSAMPLING = 2.0
"""Upsampling factor, fixed because FINUFFT's own choice depends on the number of threads."""


def pieces(points: int, modes: int) -> int:
    """Number of pieces of points; more than one only while their transforms of the modes cost less than the points.

    Measured on two threads: with as many points as modes, two pieces take 0.8 times as long as one; four are faster
    than two above about sixteen points per mode.
    """
    if points < FEWEST_POINTS or points < 0.75 * modes:
        return 1
    return min(max(2, 2 ** math.floor(math.log2(max(points / modes, 1) / 4))), MAX_POINT_PIECES)


class NonuniformTransform:
    """Transforms between N points on a torus and modes ``|k_a| ≤ n_a / 2``; plans and buffers are reused.

    Arrays of modes are complex, of shape ``modes``, in the order of ``numpy.fft.fftn``.

    Parameters
    ----------
    lengths
        Periods of the torus.
    modes
        Number of modes along each axis.
    points
        Number of points N.
    accuracy
        Relative L² error, between 1e−14 (1e−6 in single precision) and 0.1. Default: 1e−9.
    outputs
        Number of functions that are evaluated at once. Default: 1.
    dtype
        Type of positions and strengths, float64 (default) or float32.
    threads
        Number of threads; the result does not depend on it. Default: all available cores.

    Raises
    ------
    InputError
        If FINUFFT is not installed or the accuracy is not allowed.
    """

    def __init__(
        self,
        lengths: Sequence[float],
        modes: Sequence[int],
        points: int,
        accuracy: float = 1e-9,
        outputs: int = 1,
        dtype: np.dtype | type = np.float64,
        threads: int | None = None,
    ) -> None:
        try:
            import finufft  # imported here so that code without particles does not load it
        except ImportError:
            raise InputError(
                "particles need FINUFFT, which is not installed: pip install 'gridflow[particles]'"
            ) from None
        self._dtype = np.dtype(dtype)
        least = 1e-14 if self._dtype == np.float64 else 1e-6
        if not least <= accuracy <= 0.1:
            raise InputError(f"accuracy = {accuracy}: it must be between {least:g} and 0.1 in {self._dtype}")
        self._complex = np.result_type(self._dtype, np.complex64)
        self.modes, self.points = tuple(modes), points
        number = pieces(points, math.prod(self.modes))
        cuts = [points * i // number for i in range(number + 1)]
        self._pieces = [slice(start, end) for start, end in itertools.pairwise(cuts)]
        self._to_angle = 2 * np.pi / np.array(lengths, dtype=float)
        self._angles = np.zeros((len(self.modes), points), self._dtype)
        self._strengths = np.zeros(points, self._complex)
        self._partial = np.zeros((number, *self.modes), self._complex)
        self._values = [np.zeros((outputs, piece.stop - piece.start), self._complex) for piece in self._pieces]
        settings: dict[str, Any] = {
            "eps": accuracy,
            "dtype": self._complex.name,
            "modeord": 1,
            "upsampfac": _UPSAMPLING,
            "nthreads": 1,
        }
        self._down = [finufft.Plan(1, self.modes, isign=-1, **settings) for _ in self._pieces]
        self._up = [finufft.Plan(2, self.modes, outputs, isign=1, **settings) for _ in self._pieces]
        self._team = team(min(threads or available(), number))

    def place(self, positions: np.ndarray) -> None:
        """Set the points: any positions, shape (N, d), in units of length."""
        for axis, scale in enumerate(self._to_angle):
            np.multiply(positions[:, axis], scale, out=self._angles[axis])

        def sort(number: int, _: int) -> None:
            where = self._angles[:, self._pieces[number]]
            for plan in (self._down[number], self._up[number]):
                plan.setpts(*where)

        self._team.deal(len(self._pieces), sort)

    def to_modes(self, strengths: np.ndarray) -> np.ndarray:
        """Return ``Σ_j c_j e^{−iξ_k·x_j}`` of real strengths of shape (N,), in a buffer valid until the next call."""
        self._strengths.real[...] = strengths

        def spread(number: int, _: int) -> None:
            self._down[number].execute(self._strengths[self._pieces[number]], out=self._partial[number])

        self._team.deal(len(self._pieces), spread)
        total: np.ndarray = self._partial[0]
        for part in self._partial[1:]:
            total += part
        return total

    def at_points(self, coefficients: np.ndarray) -> list[tuple[slice, np.ndarray]]:
        """Evaluate ``Σ_k c_k e^{iξ_k·x_j}`` for ``outputs`` functions, coefficients of shape (outputs, *modes).

        Returns
        -------
        list of (slice, ndarray)
            For each piece, its points and the values there, shape (outputs, points); valid until the next call.
        """
        given = coefficients if len(coefficients) > 1 else coefficients[0]

        def evaluate(number: int, _: int) -> None:
            found = self._values[number]
            self._up[number].execute(given, out=found if len(found) > 1 else found[0])

        self._team.deal(len(self._pieces), evaluate)
        return list(zip(self._pieces, self._values, strict=True))
