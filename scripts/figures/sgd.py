"""How fast stochastic gradient descent converges to the flow for small learning rates and large batches.

Wide ReLU networks on the circle, with neurons at the quantiles of the start, learn labels without errors. Every step
draws a new batch of B samples and has the length η in the flow's time. Two deviations from the limit of infinite width
are expected. The error of explicit Euler is of first order in η and the same for all seeds. The draw of the batches
adds a deviation that to first order has mean zero and a variance in proportion to η/B. All neurons share it, so no
width averages it out. Both are measured as the KMD between the measures of network and limit over the KMD between limit
and target at that time, root mean square over a few times. (KMD² is twice a loss, here that of one function compared
with the other.) The first is measured with the gradient of the whole population, the second as the variance over
seeds. The column "explained" is the share of both together in the mean squared distance between network and limit,
expected to be 1. The scatter of the loss is to first order linear in that of the measure and falls like the root of
η/B. Writes sgd.csv,
sgd_exponents.csv and sgd.png.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from study import arguments, conclude

import gridflow as gf
from gridflow import networks
from gridflow.equation.kernels import ReLU
from gridflow.measures import spectra
from gridflow.viz.style import EXACT, look, new_figure, save
from solvers import FiniteVolume, Network

CIRCLE = gf.Circle(512)
TIMES = (1.0, 2.0, 4.0, 8.0)
"""At which network and limit are compared; the loss falls 750-fold."""
ASYMPTOTIC = 0.2
"""Learning rates up to which the power of Euler's error is fitted, η^p (1 + qη + …)."""
SHOWN_UNTIL = 16.0
COLORS = {0.2: "#d1495b", 0.1: "#e09f3e", 0.05: "#2a9d8f", 0.025: "#3a6ea5", 0.0125: "#4f3a8c"}


@dataclass(frozen=True)
class Size:
    """Neurons, seeds, learning rates with the whole population's gradient, batches of each, and which are drawn."""

    neurons: int
    seeds: int
    rates: tuple[float, ...]
    batches: dict[float, tuple[int, ...]]
    shown: tuple[tuple[float, int], ...]


FULL = Size(
    2000, 24, (0.4, 0.2, 0.1, 0.05, 0.025, 0.0125),
    {0.2: (10, 30, 100, 1000), 0.1: (10, 30, 100, 1000), 0.05: (10, 30, 100), 0.025: (10, 30, 100), 0.0125: (10, 30)},
    ((0.2, 10), (0.2, 1000), (0.05, 100), (0.0125, 300)),
)  # fmt: skip
SMALL = Size(500, 8, (0.2, 0.1, 0.05, 0.025), {0.2: (10, 100), 0.1: (10, 50), 0.05: (10, 50)}, ((0.2, 10), (0.05, 50)))


def problem() -> tuple[gf.Flow, np.ndarray]:
    """The flow to the teacher 1 + 0.6 cos 2θ + 0.3 cos θ, from neurons of every direction."""
    teacher = 2 * math.pi * (gf.cosine(CIRCLE, 0.6, modes=2) + 0.5 * gf.cosine(CIRCLE, 0.6) - 0.5 * gf.uniform(CIRCLE))
    return gf.Flow(CIRCLE, ReLU(), teacher, growth=2.0), gf.uniform(CIRCLE, 2 * math.pi)


class Comparison:
    """Networks beside the limit of one problem."""

    def __init__(self, neurons: int) -> None:
        self.flow, start = problem()
        self.weights = networks.network_from_measure(CIRCLE, start, neurons)
        self._symbol = spectra.whole_symbol(self.flow.kernel, CIRCLE)
        solver = FiniteVolume(self.flow, tolerance=1e-7)
        state = solver.initialize(start)
        found = []
        for until in TIMES:
            while state.time < until:
                solver.step(state, until)
            found.append(spectra.of_density(CIRCLE, solver.density(state)))
        self.limit = np.array(found)
        self._target = spectra.of_density(CIRCLE, self.flow.target)
        self._left = self._squares(self.limit - self._target)

    def network(self, rate: float | None, batch: int | None = None, seed: int = 0) -> Network:
        """Trained by batches; without one on the population, and without a rate by its gradient flow."""
        if batch is not None:
            return Network(self.flow, self.weights, "empirical", batch=batch, learning_rate=rate, seed=seed)
        if rate is not None:
            return Network(self.flow, self.weights, integrator="euler", learning_rate=rate)
        return Network(self.flow, self.weights)

    def trained(self, network: Network) -> np.ndarray:
        """Fourier coefficients of the network's measure at all times."""
        state = network.initialize()
        found = []
        for until in TIMES:
            while state.time < until:
                network.step(state, until)
            now = network.weights(state)
            found.append(spectra.of_particles(CIRCLE, networks.angles(now.directions)[:, None], now.masses))
        return np.array(found)

    def relative(self, differences: np.ndarray) -> float:
        """Mean over the times of KMD² of a difference over that of limit and target."""
        return float((self._squares(differences) / self._left).mean())

    def losses(self, modes: np.ndarray) -> np.ndarray:
        """At all times, over those of the limit."""
        result: np.ndarray = self._squares(modes - self._target) / self._left
        return result

    def _squares(self, differences: np.ndarray) -> np.ndarray:
        return np.array([spectra.discrepancy(CIRCLE, self._symbol, difference) for difference in differences])


def of_population(compared: Comparison, rate: float | None) -> dict[str, Any]:
    """A row of the table: deterministic gradient descent."""
    modes = compared.trained(compared.network(rate))
    distance = compared.relative(modes - compared.limit)
    return {
        "rate": rate or 0.0,
        "batch": "all",
        "rate / batch": 0.0,
        "distance": math.sqrt(distance),
        "scatter": 0.0,
        "its error": 0.0,
        "explained": math.nan,
        "loss - 1": float((compared.losses(modes) - 1).mean()),
        "scatter of the loss": 0.0,
    }


def of_batches(compared: Comparison, rate: float, batch: int, seeds: range, bias: float) -> dict[str, Any]:
    """A row of the table: many seeds, their scatter, and how much of the distance this and Euler's error are."""
    runs = [compared.trained(compared.network(rate, batch, seed)) for seed in seeds]
    count = len(runs)
    mean = np.mean(runs, axis=0)
    squares = np.array([compared.relative(run - mean) for run in runs]) * count / (count - 1)
    distance = float(np.mean([compared.relative(run - compared.limit) for run in runs]))
    losses = np.array([compared.losses(run) for run in runs])
    return {
        "rate": rate,
        "batch": batch,
        "rate / batch": rate / batch,
        "distance": math.sqrt(distance),
        "scatter": math.sqrt(squares.mean()),
        "its error": float(squares.std(ddof=1) / (2 * math.sqrt(count * squares.mean()))),
        "explained": (bias**2 + float(squares.mean())) / distance,
        "loss - 1": float((losses - 1).mean()),
        "scatter of the loss": float(np.sqrt(losses.var(axis=0, ddof=1).mean())),
    }


def power(arguments: list[np.ndarray], values: np.ndarray, next_order: bool = False) -> list[tuple[float, float]]:
    """Exponents of a product of powers, by least squares in logarithms, and their standard errors.

    With the next order, of the first argument, there is a factor e^(q argument) beside them.
    """
    extra_columns = [arguments[0]] * next_order + [np.ones(len(values))]
    design = np.stack([np.log(argument) for argument in arguments] + extra_columns, axis=1)
    found, squares, _, _ = np.linalg.lstsq(design, np.log(values), rcond=None)
    covariance = np.linalg.inv(design.T @ design) * float(squares[0]) / (len(values) - design.shape[1])
    return [(float(found[i]), math.sqrt(covariance[i, i])) for i in range(len(arguments))]


def exponents(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the theory says and what the rows show."""
    first = [row for row in rows if row["batch"] == "all" and 0 < row["rate"] <= ASYMPTOTIC]
    drawn = [row for row in rows if row["batch"] != "all"]

    def column(chosen: list[dict[str, Any]], name: str) -> np.ndarray:
        return np.array([row[name] for row in chosen], dtype=float)

    rate, scatter = column(first, "rate"), column(drawn, "scatter")
    ratio = [column(drawn, "rate / batch")]
    both = power([column(drawn, "rate"), column(drawn, "batch")], scatter**2)
    fits = [
        ("distance, whole gradient", "rate", 1.0, power([rate], column(first, "distance"), next_order=True)[0]),
        ("loss - 1, whole gradient", "rate", 1.0, power([rate], abs(column(first, "loss - 1")), next_order=True)[0]),
        ("variance", "rate / batch", 1.0, power(ratio, scatter**2)[0]),
        ("variance", "rate, at equal batch", 1.0, both[0]),
        ("variance", "batch, at equal rate", -1.0, both[1]),
        ("scatter of the loss", "rate / batch", 0.5, power(ratio, column(drawn, "scatter of the loss"))[0]),
    ]
    found = [
        {"of": of, "against": against, "expected": expected, "measured": measured, "error": error}
        for of, against, expected, (measured, error) in fits
    ]
    share = column(drawn, "explained")
    error = float(share.std(ddof=1)) / math.sqrt(len(share))
    found.append({"of": "explained, mean", "against": "", "expected": 1.0, "measured": share.mean(), "error": error})
    return found


def draw(compared: Comparison, size: Size, rows: list[dict[str, Any]], fits: list[dict[str, Any]], path: Any) -> None:
    """Losses against time, Euler's error against the learning rate, variances against the rate over the batch."""
    with look():
        figure = new_figure(11.0, 3.9)
        panels = figure.subplot_mosaic([["loss", "euler", "batch"], ["ratio", "euler", "batch"]], height_ratios=(2, 1))
        panels["ratio"].sharex(panels["loss"])
        _draw_losses(compared, size, panels["loss"], panels["ratio"])
        _draw_population([row for row in rows if row["batch"] == "all"], fits, panels["euler"])
        _draw_batches([row for row in rows if row["batch"] != "all"], fits, panels["batch"])
        save(figure, path)
    print(f"wrote {path}")


def _draw_losses(compared: Comparison, size: Size, axes: Any, below: Any) -> None:
    """Single runs."""
    times = gf.AtTimes(tuple(np.arange(0, SHOWN_UNTIL + 0.1, 0.2)))
    flow, start = problem()
    limit = gf.run(FiniteVolume(flow), start, SHOWN_UNTIL, series=times).series
    axes.semilogy(limit["time"], limit["energy"], color=EXACT, linewidth=3, alpha=0.3, label="limit")
    below.axhline(1, color=EXACT, linewidth=3, alpha=0.3)
    for (rate, batch), color in zip(size.shown, ("#d1495b", "#e09f3e", "#2a9d8f", "#4f3a8c"), strict=False):
        found = gf.run(compared.network(rate, batch), None, SHOWN_UNTIL, series=times).series
        label = f"η = {rate:g}, B = {batch}"
        axes.semilogy(found["time"], found["energy"], color=color, linewidth=1, label=label)
        below.plot(found["time"], found["energy"] / limit["energy"], color=color, linewidth=1)
    axes.tick_params(labelbottom=False)
    axes.set_ylabel("loss over all inputs")
    axes.set_title(f"SGD, {compared.weights.count} neurons, single runs")
    axes.legend(loc="upper right")
    below.set_xlabel("time = learning rate × steps")
    below.set_ylabel("loss / limit")
    below.set_ylim(0.6, 1.8)


def _draw_population(rows: list[dict[str, Any]], fits: list[dict[str, Any]], axes: Any) -> None:
    """Errors of first order in the learning rate."""
    flow, steps = rows[0], rows[1:]
    rate = np.array([row["rate"] for row in steps])
    for name, marker, color, label, fit in (
        ("loss - 1", "s", "#d1495b", "|loss / limit's − 1|", fits[1]),
        ("distance", "o", "#4f3a8c", "KMD to the limit / limit to target", fits[0]),
    ):
        values = np.array([abs(row[name]) for row in steps])
        axes.loglog(rate, values, marker, color=color, markersize=4, label=f"{label}\n{_fitted(fit)}")
        axes.plot(rate, values[-1] * rate / rate[-1], color=color, linewidth=0.7)
    axes.axhline(flow["distance"], color=EXACT, linewidth=0.8, linestyle=":")
    axes.text(rate[0], 1.2 * flow["distance"], "KMD of gradient flow, η → 0", ha="right", va="bottom", fontsize=8)
    axes.set_xticks(rate, [f"{value:g}" for value in rate])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("learning rate η")
    axes.set_title("whole gradient: error;  lines: slope 1")
    axes.legend(loc="center right", bbox_to_anchor=(1.0, 0.36), labelspacing=0.8)


def _draw_batches(rows: list[dict[str, Any]], fits: list[dict[str, Any]], axes: Any) -> None:
    """Variances of first order in the learning rate over the batch."""
    markers = dict(zip(sorted({row["batch"] for row in rows}), "osD^v", strict=False))
    for row in rows:
        axes.errorbar(
            row["rate / batch"], row["scatter"] ** 2, 2 * row["scatter"] * row["its error"], color=COLORS[row["rate"]],
            fmt=markers[row["batch"]], markersize=4, linewidth=1,
        )  # fmt: skip
    ratio = np.array([row["rate / batch"] for row in rows])
    level = math.exp(np.mean([math.log(row["scatter"] ** 2 / row["rate / batch"]) for row in rows]))
    ends = np.array([ratio.min(), ratio.max()])
    axes.loglog(ends, level * ends, color=EXACT, linewidth=0.7, zorder=0)
    for rate in sorted({row["rate"] for row in rows}, reverse=True):
        axes.plot([], [], "o", color=COLORS[rate], markersize=5, label=f"η = {rate:g}")
    for batch, marker in markers.items():
        axes.plot([], [], marker, color="#999999", markersize=4, label=f"B = {batch}")
    axes.legend(ncols=2, loc="lower right", columnspacing=0.8, handletextpad=0.2)
    axes.text(0.04, 0.97, f"line: {level:.2f} η/B\n{_fitted(fits[2])}", transform=axes.transAxes, va="top", fontsize=8)
    axes.set_xlabel("η / B")
    axes.set_title("batches: KMD² to the seeds' mean, relative")


def _fitted(fit: dict[str, Any]) -> str:
    digits = 4 if fit["error"] < 0.001 else 3
    return f"exponent {fit['measured']:.{digits}f} ± {fit['error']:.{digits}f}"


def main() -> None:
    """Run the study."""
    options = arguments(__doc__ or "")
    size = SMALL if options.small else FULL
    compared = Comparison(size.neurons)
    rows = [of_population(compared, rate) for rate in (None, *size.rates)]
    bias = {row["rate"]: row["distance"] for row in rows}
    seeds = itertools.count(0, size.seeds)  # of their own for every row
    for rate, batches in size.batches.items():
        for batch in batches:
            first = next(seeds)
            rows.append(of_batches(compared, rate, batch, range(first, first + size.seeds), bias[rate]))
    conclude("SGD beside its limit; all relative to what the limit has left", rows, options.folder / "sgd.csv")
    fits = exponents(rows)
    conclude(
        "Exponents, errors of the fits; and the distance that both errors explain",
        fits,
        options.folder / "sgd_exponents.csv",
    )
    draw(compared, size, rows, fits, options.folder / "sgd.png")


if __name__ == "__main__":
    main()
