"""Movies of surfaces and volumes in three dimensions, around which the camera may go."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from gridflow.domains.torus import Grid, torus
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz.film_stage import Panel, Rendered
from gridflow.viz.film_times import Pace
from gridflow.viz.movies import Movie, arranged, free
from gridflow.viz.scale import Scale, color_bar
from gridflow.viz.selection import is_signed, read
from gridflow.viz.solid_scenes import Camera, renderer
from gridflow.viz.solid_views import SolidView, SurfaceView, VolumeView, solid_obstacle


class SolidPanel(Panel):
    """A run in three dimensions, rendered anew at every frame."""

    def __init__(
        self,
        axes: Axes,
        told: str,
        run: RunDirectory,
        view: "SolidMovie",
        first: Snapshot,
        scale: Scale | None,
        frames: int,
    ) -> None:
        self._run, self._grid, self._view, self._scale = run, torus(run.grid, view.kind), view, scale
        self._body = view.body(run, first)
        super().__init__([axes], " · ".join(filter(None, [told, self._body.told])))
        azimuths = view.azimuths(frames)
        self._ratio = Camera.ratio(self._grid.lengths, azimuths, view.elevation)
        self._cameras = Camera.around(self._grid.lengths, self._ratio, azimuths, view.elevation)
        view.box(axes, self._cameras[0], self._grid, self._ratio, ticks=True)
        for text in list(axes.texts):
            text.remove()

    def draw(self, number: int, snapshot: int) -> None:
        """Draw a snapshot; see :meth:`Panel.draw`."""
        axes, frame = self.axes[0], read(self._run, snapshot)
        camera = self._cameras[number]

        def render(width: int, height: int) -> np.ndarray:
            scene = self._view.scene(self._grid, self._body, frame, self._scale, camera, (width, height))
            return renderer().image(scene if scene.table is None else replace(scene, finer=1))  # a volume is soft

        axes.add_artist(Rendered(render, (-self._ratio, self._ratio, -1.0, 1.0)))
        self._view.box(axes, camera, self._grid, self._ratio, ticks=True)


@dataclass(frozen=True)
class SolidMovie(Movie, SolidView):
    """A movie of runs in three dimensions.

    Parameters
    ----------
    orbit
        How often the camera goes around the box during the movie. Default: 0.
    """

    orbit: float = 0.0

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        return solid_obstacle(runs)

    @property
    def moves(self) -> bool:
        """Whether the camera moves."""
        return self.orbit != 0

    def azimuths(self, frames: int) -> list[float]:
        """The azimuth of the camera at every frame, in degrees."""
        return [self.azimuth + 360 * self.orbit * number / frames for number in range(frames)]

    def seen(self, run: RunDirectory, frame: Snapshot) -> np.ndarray:
        """The values of the body; see :meth:`Movie.seen`."""
        return self.body(run, frame).values(frame)

    def panels(
        self, figure: Drawing, runs: Sequence[RunDirectory], names: Sequence[str], scale: Scale, pace: Pace
    ) -> list[Panel]:
        """Create the panels; see :meth:`Movie.panels`."""
        azimuths = self.azimuths(len(pace.times))
        ratios = [Camera.ratio(torus(run.grid, self.kind).lengths, azimuths, self.elevation) for run in runs]
        rows, columns, told = arranged(len(runs), figure, 1 / min(ratios), names)
        axes = free(figure.subplots(rows, columns, squeeze=False), len(runs))
        colors = None if self.colored((), False) is None else scale
        if colors is not None:
            color_bar(figure, colors, axes)
        firsts = [read(run, index) for run, index in zip(runs, pace.snapshots[0], strict=True)]
        four = zip(axes, told, runs, firsts, strict=True)
        return [SolidPanel(one, name, run, self, first, colors, len(azimuths)) for one, name, run, first in four]


@dataclass(frozen=True)
class SurfaceMovie(SolidMovie, SurfaceView, kind="surface", domain=Grid):
    """In 3-D, the surface of the hole, or where the density has a value."""

    def survey(self, runs: Sequence[RunDirectory], pace: Pace) -> Scale:  # noqa: ARG002
        """Any scale: a surface has one colour; see :meth:`Movie.survey`."""
        return Scale(1.0)


@dataclass(frozen=True)
class VolumeMovie(SolidMovie, VolumeView, kind="volume", domain=Grid):
    """In 3-D, the difference to the target as a cloud of which one sees the inside."""

    def survey(self, runs: Sequence[RunDirectory], pace: Pace) -> Scale:
        """The scale of what is seen of all frames; see :meth:`Movie.survey`."""
        return self.colored(self.values(runs, pace), any(map(is_signed, runs)))
