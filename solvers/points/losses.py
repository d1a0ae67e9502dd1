"""The loss of a network on samples, ``L = 1/(2n) Σ_i (f(x_i) − y_i)²``, and the source of samples and labels.

Labels are ``y_i = f*(x_i) + noise · ε_i`` with normal ε. The target's density defines ``f*`` by its harmonic expansion,
``f*(x) = |x| Σ λ_ℓ ν_ℓm Y_ℓm(x / |x|)`` with the Funk–Hecke coefficients λ_ℓ of the activation; on the circle
``f*(x) = |x| Σ_k λ_|k| ν̂_k e^{ikφ}``.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from gridflow.compute.harmonics import PointTransform
from gridflow.compute.matmul import ENTRIES, product
from gridflow.compute.nonuniform import NonuniformTransform
from gridflow.compute.threads import available, team
from gridflow.domains.base import Domain
from gridflow.domains.circle import Circle
from gridflow.domains.sphere import SphereGrid
from gridflow.equation.flow import Equation
from gridflow.networks.measures import angles
from gridflow.networks.weights import Weights
from solvers.points.population import MAX_PARTIAL_SUMS, circle_modes, relu_of, sphere_coefficients

SAMPLES, BATCHES, STREAM = 0, 1, 2
"""Random streams of a seed: for the fixed samples, the batches taken from them, and fresh samples of a step."""
ROWS = 128
"""Number of samples processed at once; fewer if there are many neurons."""

Labels = Callable[[np.ndarray], np.ndarray]


class _OnCircle:
    """f* of the target's density on S¹, at inputs in R²."""

    def __init__(self, flow: Equation[Any], accuracy: float, threads: int | None) -> None:
        grid = flow.grid
        k = np.fft.fftfreq(grid.size, 1 / grid.size)
        numbers = relu_of(flow).eigenvalues(1, grid.size // 2 + 1)[abs(k).astype(int)]
        self._coefficients = (numbers * circle_modes(flow, None, accuracy, threads))[None]
        self._grid, self._accuracy, self._threads = grid, accuracy, threads
        self._transform: NonuniformTransform | None = None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if self._transform is None or self._transform.points != len(x):
            self._transform = NonuniformTransform(
                self._grid.lengths, self._grid.shape, len(x), self._accuracy, threads=self._threads
            )
        self._transform.place(angles(x)[:, None])
        found = [values[0].real for _, values in self._transform.at_points(self._coefficients)]
        return np.concatenate(found) * _norms(x)


class _OnSphere:
    """f* of the target's density on S², at inputs in R³."""

    def __init__(self, flow: Equation[Any], accuracy: float, _: int | None) -> None:
        self._transform = PointTransform(flow.grid.lmax, accuracy, threads=1)
        numbers = relu_of(flow).eigenvalues(2, flow.grid.lmax + 1)[self._transform.degree]
        self._coefficients = numbers * sphere_coefficients(flow, None, accuracy)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self._transform.place(x)
        return self._transform.synthesise(self._coefficients) * _norms(x)


def _norms(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.sqrt(np.einsum("ij,ij->i", x, x))
    return found


_LABELS: dict[type[Domain], Callable[..., Labels]] = {Circle: _OnCircle, SphereGrid: _OnSphere}
"""f* of the target's density on each domain that has cells."""


def labels_of(flow: Equation[Any], teacher: Weights | None, accuracy: float, threads: int | None) -> Labels:
    """Return f* at inputs (n, inputs): a teacher, or the density of ``flow.target`` on the circle or S²."""
    if teacher is not None:
        return teacher.outputs
    return flow.grid.one_of(_LABELS, "function f* without a teacher")(flow, accuracy, threads)


class Samples:
    """Labelled inputs. All random numbers depend only on the seed and the step number.

    Parameters
    ----------
    labels
        The function f*.
    inputs
        Number of inputs d + 1.
    kind
        ``uniform`` on the sphere S^d, or ``gaussian``, standard normal.
    count
        Number of fixed samples; None to draw new ones in every step.
    batch
        Number of samples per step, without repetition; None for all fixed samples.
    noise
        Standard deviation of the label noise, which is constant for a fixed sample.
    seed
        Non-negative integer.
    """

    def __init__(
        self, labels: Labels, inputs: int, kind: str, count: int | None, batch: int | None, noise: float, seed: int
    ) -> None:
        self._labels, self._inputs, self._kind = labels, inputs, kind
        self._batch, self._noise, self._seed = batch, noise, seed
        self.kept = None if count is None else self._draw(SAMPLES, 0, count)

    def of_step(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the inputs (n, inputs) and labels (n,) of a step."""
        if self.kept is None:
            assert self._batch is not None
            return self._draw(STREAM, step, self._batch)
        if self._batch is None:
            return self.kept
        rng = np.random.default_rng((BATCHES, step, self._seed))
        chosen = rng.choice(len(self.kept[1]), self._batch, replace=False, shuffle=False)
        return self.kept[0][chosen], self.kept[1][chosen]

    def _draw(self, purpose: int, step: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((purpose, step, self._seed))
        x = rng.standard_normal((count, self._inputs))
        if self._kind == "uniform":
            x /= _norms(x)[:, None]
        y = self._labels(x)
        if self._noise:
            y = y + self._noise * rng.standard_normal(count)
        return x, y


class EmpiricalLoss:
    """The loss on samples, and −m times its gradient.

    With ``S_j = Σ_i (f(x_i) − y_i) 1[w_j·x_i > 0] x_i`` the latter is ``w_j' = −a_j S_j / n`` and
    ``a_j' = −w_j·S_j / n``. The samples are split into pieces that depend only on their number and m; the pieces are
    summed in order.

    Parameters
    ----------
    samples
        Source of inputs and labels.
    count, inputs
        Number of neurons m and of inputs.
    threads
        Number of threads; the result does not depend on it.
    """

    def __init__(self, samples: Samples, count: int, inputs: int, threads: int | None = None) -> None:
        self._samples, self._count = samples, count
        self._threads = min(threads or available(), MAX_PARTIAL_SUMS)
        self._rows = min(max(16, ENTRIES // count), ROWS)
        self._sums = np.zeros((MAX_PARTIAL_SUMS, count, inputs))
        self._terms = np.zeros((self._threads, count, inputs))
        self._hidden = np.zeros((self._threads, self._rows, count))

    def descend(self, inner: np.ndarray, outer: np.ndarray, step: int, speeds: tuple[np.ndarray, np.ndarray]) -> float:
        """Write w' and a' for the samples of a step into ``speeds``; return the loss on those samples."""
        x, y = self._samples.of_step(step)
        loss, pieces = self._pass(x, y, inner, outer, with_slope=True)
        total = self._sums[0]
        for part in self._sums[1:pieces]:
            total += part
        total /= -len(y)
        w, a = speeds
        np.multiply(outer[:, None], total, out=w)
        np.einsum("ij,ij->i", inner, total, out=a)
        return loss

    def of_kept(self, inner: np.ndarray, outer: np.ndarray) -> float | None:
        """Return the loss on all fixed samples, or None if there are none."""
        kept = self._samples.kept
        return None if kept is None else self._pass(*kept, inner, outer, with_slope=False)[0]

    def _pass(
        self, x: np.ndarray, y: np.ndarray, inner: np.ndarray, outer: np.ndarray, with_slope: bool
    ) -> tuple[float, int]:
        """Return the loss, and the number of pieces of S that ``sums`` holds."""
        chunks = -(-len(y) // self._rows)
        number = min(chunks, MAX_PARTIAL_SUMS)
        cuts = [chunks * i // number * self._rows for i in range(number + 1)]
        pieces = list(itertools.pairwise(cuts))
        losses = np.zeros(number)

        @np.errstate(over="ignore", invalid="ignore")  # diverging weights, which the solver reports
        def work(piece: int, thread: int) -> None:
            total, term, hidden = self._sums[piece], self._terms[thread], self._hidden[thread]
            total.fill(0)
            for start in range(*pieces[piece], self._rows):
                part = slice(start, min(start + self._rows, len(y)))
                some = x[part]
                active = product(some, inner.T, hidden[: len(some)])
                np.maximum(active, 0, out=active)
                error = np.einsum("ij,j->i", active, outer) / self._count - y[part]
                losses[piece] += (error * error).sum()
                if with_slope:
                    np.greater(active, 0, out=active)
                    total += product(active.T, error[:, None] * some, term)

        team(min(self._threads, number)).deal(number, work)
        return float(losses.sum()) / (2 * len(y)), number
