"""What a movie of densities shows of each run: lines, the image of a plane, a globe above a map."""

from collections.abc import Sequence
from typing import cast

from matplotlib.axes import Axes

from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import torus
from gridflow.runtime.store import RunDirectory
from gridflow.viz import artists
from gridflow.viz.circle import label_angle, on_circle
from gridflow.viz.film_stage import Cells, Panel
from gridflow.viz.pictures import Cut, picture_of
from gridflow.viz.scale import Scale
from gridflow.viz.selection import net, read
from gridflow.viz.sphere import VIEW, globe
from gridflow.viz.style import MEASURED


class LinePanel(Panel):
    """A density on a line with its target and the shade of its hole."""

    def __init__(self, axes: Axes, told: str, run: RunDirectory, scale: Scale) -> None:
        super().__init__([axes], told)
        self._run, self._grid, self._scale, self._target = run, torus(run.grid, "a line"), scale, run.target
        artists.density(axes, self._grid, self._target, scale).remove()
        if on_circle(run):
            label_angle(axes)
        line = artists.target_line(axes, self._grid, self._target)
        axes.legend(loc="lower right")
        line.remove()

    def draw(self, number: int, snapshot: int) -> None:  # noqa: ARG002
        """Draw a snapshot; see :meth:`Panel.draw`."""
        axes, frame = self.axes[0], read(self._run, snapshot)
        x, drawn = self._grid.centers(0), self._scale.drawn
        artists.target_line(axes, self._grid, drawn(self._target))
        axes.plot(x, drawn(net(frame)), color=MEASURED)
        if frame.tracer is not None:
            artists.hole(axes, self._grid, frame.tracer)


class PlanePanel(Panel):
    """A density in a plane with the boundary of its hole."""

    def __init__(self, axes: Axes, told: str, run: RunDirectory, scale: Scale, cut: Cut) -> None:
        super().__init__([axes], (told + cut.label(run.grid)).removeprefix(", "))
        self._run, self._grid, self._scale, self._cut = run, run.grid, scale, cut
        self._picture = picture_of(run.grid, cut)
        artists.density(axes, run.grid, run.target, scale, cut).remove()

    def draw(self, number: int, snapshot: int) -> None:  # noqa: ARG002
        """Draw a snapshot; see :meth:`Panel.draw`."""
        axes, frame = self.axes[0], read(self._run, snapshot)
        axes.add_artist(Cells(self._picture.pixels(net(frame)), self._picture.extent, self._scale))
        if frame.tracer is not None:
            artists.hole(axes, self._grid, frame.tracer, self._cut)


class GlobePanel(Panel):
    """A density on the sphere as a globe, which may turn, above a map with the boundary of its hole."""

    def __init__(self, axes: Sequence[Axes], told: str, run: RunDirectory, scale: Scale, turn: float) -> None:
        super().__init__(axes, told)
        self._run, self._grid, self._scale, self._turn = run, cast(SphereGrid, run.grid), scale, turn
        for each in self.axes:
            artists.clear(each)

    def draw(self, number: int, snapshot: int) -> None:
        """Draw a snapshot; see :meth:`Panel.draw`."""
        above, below = self.axes
        frame = read(self._run, snapshot)
        density = net(frame)
        globe(above, self._grid, density, self._scale, (VIEW[0], VIEW[1] + self._turn * number))
        artists.density(below, self._grid, density, self._scale)
        if frame.tracer is not None:
            artists.hole(below, self._grid, frame.tracer)
