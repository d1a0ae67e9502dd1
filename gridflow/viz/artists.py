"""What figures are composed of: functions that draw one thing on matplotlib axes and return what they drew.

They draw on any axes, those of a user's own figure too. ``matplotlib.style.use(gridflow.viz.STYLE)`` gives the style of
gridflow's figures.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.contour import QuadContourSet
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from gridflow.compute import contours
from gridflow.domains.base import Domain
from gridflow.domains.torus import Grid
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz.pictures import MIDDLE, Cut, is_line, picture_of
from gridflow.viz.scale import Scale
from gridflow.viz.selection import in_log_time
from gridflow.viz.style import EXACT, MEASURED

BOUNDARY: Any = {"colors": "#4cc9a7", "linewidths": 1.2}
"""How the boundary of a hole is drawn: a colour that is far from all of the colour map of densities."""
STREAMS = 1.1
"""Density of streamlines, as matplotlib counts it."""
DOTS = 4000
"""Largest number of particles that are drawn."""


def density(
    axes: Axes, grid: Domain, values: np.ndarray, scale: Scale | None = None, cut: Cut = MIDDLE, ticks: bool = True
) -> AxesImage | Line2D:
    """Draw a density: as a line in one dimension, else as an image with the first axis to the right.

    The sphere is drawn in the Mollweide projection, with north at the top, longitude 0 in the middle and π/2 to the
    right of it.

    Parameters
    ----------
    axes
        Axes to draw on.
    grid
        The domain.
    values
        Cell averages, shape ``grid.shape`` (mass / volume).
    scale
        Range of values and their colours. Default: that of what is drawn.
    cut
        In 3-D, the plane that is shown. Default: the one in the middle, across z.
    ticks
        Whether axes have ticks and names. Default: True.

    Returns
    -------
    AxesImage or Line2D
        What was drawn, for :func:`redraw`.

    Raises
    ------
    InputError
        If the domain is a single cell, which has no picture, or the cut is outside the domain.
    """
    if is_line(grid):
        scale = scale or Scale.over([values], bool((values < 0).any()))
        (line,) = axes.plot(grid.centers(0), scale.drawn(values), color=MEASURED)
        axes.set_yscale("log" if scale.log else "linear")
        axes.set(xlim=(0, grid.lengths[0]), ylim=scale.axis(), xlabel="x", ylabel=scale.label)
        return line
    picture = picture_of(grid, cut)
    pixels = picture.pixels(values)
    scale = scale or Scale.over([pixels], bool((pixels < 0).any()))
    image = axes.imshow(
        scale.drawn(pixels),
        origin="lower",
        extent=picture.extent,
        norm=scale.norm(),
        cmap=scale.colormap,
        interpolation=picture.interpolation,
    )
    picture.finish(axes, image)
    clear(axes)
    if ticks and picture.names:
        left, right, bottom, top = picture.extent
        axes.set_xticks([left, right])
        axes.set_yticks([bottom, top])
        axes.tick_params(length=2)
        axes.set_xlabel(picture.names[0], labelpad=-6)
        axes.set_ylabel(picture.names[1], labelpad=-6)
    return image


def spacetime(
    axes: Axes, stored: RunDirectory, frames: Sequence[Snapshot], scale: Scale | None = None, log: bool | None = None
) -> QuadMesh:
    """Draw a density on a line over space and time, with time upwards, and the boundary of its carried hole.

    Parameters
    ----------
    axes
        Axes to draw on.
    stored
        The run.
    frames
        Its snapshots in the order of time, two at least. Every one is a row, as high as it is long until the next.
    scale
        Range of values and their colours. Default: that of the snapshots.
    log
        Whether time is logarithmic. Default: if the snapshots are.

    Returns
    -------
    QuadMesh
        The image.

    Raises
    ------
    InputError
        If the domain has more than one dimension, or there are fewer than two snapshots.
    """
    grid = stored.grid
    if not is_line(grid) or len(frames) < 2:
        raise InputError(f"space and time need two snapshots or more on a line; there are {len(frames)} on {grid}")
    times = np.array([frame.time for frame in frames])
    values = np.array([frame.density if frame.negative is None else frame.density - frame.negative for frame in frames])
    scale = scale or Scale.over(values, bool(values.min() < 0))
    if log is None:
        log = in_log_time(times)
    positive = times[times > 0]
    if log:
        axes.set_yscale("log")
        edges = np.concatenate([positive, [positive[-1] ** 2 / positive[-2]]]) if len(positive) > 1 else positive
        values, held = values[times > 0], [frame for frame in frames if frame.time > 0]
    else:
        edges, held = np.concatenate([times, [2 * times[-1] - times[-2]]]), list(frames)
    mesh = axes.pcolormesh(grid.edges(0), edges, scale.drawn(values), norm=scale.norm(), cmap=scale.colormap)
    if all(frame.tracer is not None for frame in held):
        share = np.array([frame.tracer for frame in held])
        if share.min() < 0.5 < share.max():
            axes.contour(grid.centers(0), edges[:-1], share, levels=[0.5], **BOUNDARY)
    axes.set(xlim=(0, grid.lengths[0]), ylim=(edges[0], edges[-2]), xlabel="x", ylabel="time")
    return mesh


def target_line(axes: Axes, grid: Grid, target: np.ndarray, label: str = "target") -> Line2D:
    """Draw the target of a run in one dimension, dashed, over its density; return the line."""
    (line,) = axes.plot(grid.centers(0), target, color=EXACT, linestyle="--", linewidth=1, label=label)
    return line


def redraw(
    artist: AxesImage | Line2D, grid: Domain, values: np.ndarray, scale: Scale | None = None, cut: Cut = MIDDLE
) -> None:
    """Show another density in what :func:`density` drew, with the same ``scale`` and ``cut``."""
    drawn = scale.drawn if scale is not None else np.asarray
    if isinstance(artist, Line2D):
        artist.set_ydata(drawn(values))
    else:
        artist.set_data(drawn(picture_of(grid, cut).pixels(values)))


def difference(
    axes: Axes,
    grid: Domain,
    values: np.ndarray,
    target: np.ndarray,
    scale: Scale | None = None,
    cut: Cut = MIDDLE,
    ticks: bool = True,
) -> AxesImage | Line2D:
    """Draw μ − ν on a scale that is symmetric about 0; see :func:`density`."""
    deviation = values - target
    if scale is None:
        scale = Scale.over(
            [deviation if is_line(grid) else picture_of(grid, cut).pixels(deviation)], True, label="μ − ν"
        )
    return density(axes, grid, deviation, scale, cut, ticks)


def potential(
    axes: Axes,
    flow: Equation[Any],
    values: np.ndarray,
    scale: Scale | None = None,
    cut: Cut = MIDDLE,
    ticks: bool = True,
) -> AxesImage | Line2D:
    """Draw the potential V = K * (μ − ν) of a density, down which it flows; see :func:`density`."""
    v = flow.potential(values)
    scale = scale or Scale.over([_seen(flow.grid, v, cut)], True, label="V")
    return density(axes, flow.grid, v, scale, cut, ticks)


def _seen(grid: Domain, values: np.ndarray, cut: Cut) -> np.ndarray:
    """Return the values that a picture shows."""
    return values if is_line(grid) else picture_of(grid, cut).pixels(values)


def hole(
    axes: Axes, grid: Domain, share: np.ndarray, cut: Cut = MIDDLE, level: float = 0.5, **style: Any
) -> QuadContourSet | list[Rectangle]:
    """Draw the boundary of a hole over its density: a line, or in one dimension, shading.

    Parameters
    ----------
    axes
        Axes on which the density is drawn.
    grid
        The domain.
    share
        Share of each cell inside the hole, shape ``grid.shape``, such as a stored tracer; any field whose values are
        above ``level`` in the hole.
    cut
        In 3-D, the plane that is shown.
    level
        Value on the boundary.
    style
        Options of :meth:`matplotlib.axes.Axes.contour`, or of shading.

    Returns
    -------
    QuadContourSet or list of Rectangle
        What was drawn.
    """
    if is_line(grid):
        return [
            axes.axvspan(a, b, **({"color": BOUNDARY["colors"], "alpha": 0.15, "linewidth": 0} | style))
            for a, b in contours.intervals(grid.centers(0), grid.lengths[0], np.asarray(share), level)
        ]
    x, y, pixels = picture_of(grid, cut).around(np.asarray(share, dtype=float))
    limits = axes.get_xlim(), axes.get_ylim()
    if not np.nanmin(pixels) < level < np.nanmax(pixels):
        level = np.nan  # nothing to draw; contour() would warn
    lines = axes.contour(x, y, pixels, levels=[] if np.isnan(level) else [level], **(BOUNDARY | style))
    axes.set(xlim=limits[0], ylim=limits[1])
    return lines


def streamlines(axes: Axes, flow: Equation[Any], values: np.ndarray, cut: Cut = MIDDLE, **style: Any) -> LineCollection:
    """Draw streamlines of the velocity −∇V of a density on a torus of 2 or 3 dimensions.

    In 3-D they are those of the two components in the plane that is shown. Lines are wider where the speed is larger.

    Parameters
    ----------
    axes
        Axes to draw on.
    flow
        The equation.
    values
        The density, shape ``grid.shape``.
    cut
        In 3-D, the plane that is shown.
    style
        Options of :meth:`matplotlib.axes.Axes.streamplot`.

    Returns
    -------
    LineCollection
        The lines.

    Raises
    ------
    InputError
        If the domain is not a torus of 2 or 3 dimensions.
    """
    grid = flow.grid
    if is_line(grid) or not grid.has_cells or grid.sphere_dim is not None:
        raise InputError(f"streamlines are drawn on a torus of 2 or 3 dimensions; this is {grid}")
    picture = picture_of(grid, cut)
    v = flow.potential(values)
    across, up = (
        picture.around(-(np.roll(v, -1, a) - np.roll(v, 1, a)) / (2 * grid.spacing[a])) for a in cut.axes(grid)
    )
    speed = np.hypot(across[2], up[2])
    fastest = float(speed.max())
    limits = axes.get_xlim(), axes.get_ylim()
    given: dict[str, Any] = {"color": "#e8e4f0", "density": STREAMS, "arrowsize": 0.7} | style
    if "linewidth" not in given:
        given["linewidth"] = 0.3 + 1.2 * speed / fastest if fastest > 0 else 0.3
    lines = axes.streamplot(across[0], across[1], across[2], up[2], **given).lines
    axes.set(xlim=limits[0], ylim=limits[1])
    return lines


def particles(
    axes: Axes, grid: Grid, positions: np.ndarray, trail: np.ndarray | None = None, **style: Any
) -> PathCollection:
    """Draw particles as points, those of a cloud of many thinned out evenly, with trails where they come from.

    Parameters
    ----------
    axes
        Axes to draw on.
    grid
        The torus that they are on, in 1 to 3 dimensions. In 1-D they are ticks on the x-axis, in 3-D all are seen
        along z.
    positions
        Their positions, shape (N, d), anywhere; they are drawn in the first period.
    trail
        Positions of some particles over time until now, shape (times, some, d). Default: no trails.
    style
        Options of :meth:`matplotlib.axes.Axes.scatter`.

    Returns
    -------
    PathCollection
        The points.
    """
    some = np.linspace(0, len(positions) - 1, min(DOTS, len(positions))).astype(int)
    x = np.mod(positions[some], grid.lengths)
    given: dict[str, Any] = {"s": 3.0, "color": "#2a62c9", "linewidths": 0, "zorder": 3} | style
    if trail is not None and grid.dim > 1:
        axes.add_collection(LineCollection(_pieces(grid, trail), colors="#2a62c9", linewidths=0.4, alpha=0.4))
    if grid.dim == 1:
        low, high = axes.get_ylim()
        return axes.scatter(x[:, 0], np.full(len(x), low + 0.02 * (high - low)), **(given | {"marker": "|", "s": 20}))
    return axes.scatter(x[:, 0], x[:, 1], **given)


def _pieces(grid: Grid, trail: np.ndarray) -> list[np.ndarray]:
    """Return the pieces of paths between crossings of the border of the first period, in the plane of x and y."""
    lengths = np.array(grid.lengths)
    steps = np.diff(trail, axis=0)
    steps -= lengths * np.round(steps / lengths)  # the nearest image of the next position
    starts = np.mod(trail[:-1], lengths)
    ends = np.stack([starts, starts + steps], axis=2)[..., :2]
    return list(ends.reshape(-1, 2, 2))


def clear(axes: Axes) -> None:
    """Remove the ticks and frame of an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
