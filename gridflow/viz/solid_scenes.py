"""Scenes of a density in three dimensions: what is seen, from where, and the process that renders them."""

import atexit
import importlib.util
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Self

import numpy as np
from matplotlib.axes import Axes

from gridflow.domains.torus import Grid
from gridflow.errors import InputError, RunError
from gridflow.viz.films import last_line
from gridflow.viz.pictures import NAMES
from gridflow.viz.selection import short

AZIMUTH, ELEVATION = -60.0, 25.0
"""Direction that a box is seen from, in degrees: x runs to the right in front, y into the depth."""
OPENING = 24.0
"""Vertical angle that the camera sees, in degrees."""
MARGIN = 0.82
"""Share of the picture that the box fills; around it are the names of its axes."""
BACKGROUNDS = {"white": ("#ffffff", "#404040"), "black": ("#0b0b12", "#b8b8c0")}
"""Colours of the background and of the edges of the box."""
INSTALL = "pip install 'gridflow[viz3d]' brings PyVista, which draws surfaces and volumes"
RENDERER = "from gridflow.viz.solids import render_for_another_process; render_for_another_process()"


@dataclass(frozen=True)
class Camera:
    """A camera that looks at the middle of a box.

    Parameters
    ----------
    azimuth, elevation
        Direction from the middle of the box to the camera, in degrees: around z from x, and above the plane of x and y.
    distance
        Distance from the middle of the box (length).
    lift
        How far above the middle of the box it looks, in the direction that is upwards in the picture (length).
    """

    azimuth: float
    elevation: float
    distance: float
    lift: float = 0.0

    @classmethod
    def ratio(cls, lengths: Sequence[float], azimuths: Sequence[float], elevation: float) -> float:
        """Width of a box as seen from some directions, divided by its height: from one third to three."""
        far = 20 * float(np.linalg.norm(lengths))
        corners = [cls(angle, elevation, far).project(box_corners(lengths), lengths) for angle in azimuths]
        width, height = abs(np.array(corners)).max(axis=(0, 1))
        return float(min(max(width / height, 1 / 3), 3.0))

    @classmethod
    def around(cls, lengths: Sequence[float], ratio: float, azimuths: Sequence[float], elevation: float) -> list[Self]:
        """Cameras in several directions, at the least distance from which the box fits into the picture of all.

        Parameters
        ----------
        lengths
            Periods of the torus.
        ratio
            Width of the picture divided by its height.
        azimuths, elevation
            Directions in degrees.
        """

        def corners(distance: float, lift: float) -> np.ndarray:
            cameras = (cls(angle, elevation, distance, lift) for angle in azimuths)
            return np.array([camera.project(box_corners(lengths), lengths) for camera in cameras])

        def lifted(distance: float) -> float:
            """How far up to look, so that there is as much space above the box as below; linear in what is missing."""
            there, above = (corners(distance, lift)[..., 1] for lift in (0.0, 1.0))
            first, second = (float(places.min() + places.max()) for places in (there, above))
            return first / (first - second)

        def fits(distance: float) -> bool:
            return float(abs(corners(distance, lifted(distance)) / (ratio, 1.0)).max()) <= MARGIN

        diagonal = float(np.linalg.norm(lengths))
        near, far = 0.51 * diagonal, 20 * diagonal
        for _ in range(30):
            middle = (near + far) / 2
            near, far = (near, middle) if fits(middle) else (middle, far)
        return [cls(angle, elevation, far, lifted(far)) for angle in azimuths]

    @property
    def frame(self) -> np.ndarray:
        """Unit vectors to the right, upwards and towards the camera, as rows."""
        azimuth, elevation = np.radians([self.azimuth, self.elevation])
        toward = [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
        right = [-np.sin(azimuth), np.cos(azimuth), 0.0]
        return np.array([right, np.cross(toward, right), toward])

    def project(self, points: np.ndarray, lengths: Sequence[float]) -> np.ndarray:
        """Project points of a box into the picture, shape (N, 2), in units of half its height from its middle."""
        right, up, toward = self.frame @ (points - np.array(lengths) / 2).T
        return (
            np.stack([right, up - self.lift], axis=1)
            / (np.tan(np.radians(OPENING) / 2) * (self.distance - toward))[:, None]
        )


@dataclass(frozen=True)
class Scene:
    """What is rendered: a box with a surface or a volume in it.

    Parameters
    ----------
    grid
        The torus, in three dimensions.
    values
        A field, shape ``grid.shape``.
    camera
        Where it is seen from.
    size
        Width and height in pixels.
    level
        Value on the surface that is drawn; None for a volume.
    color
        Colour of the surface.
    table
        Red, green, blue and opacity over the range of the volume, shape (N, 4), from 0 to 1. The opacity is that of a
        layer whose thickness is a tenth of the shortest period.
    ends
        Lower and upper end of that range.
    clip
        Number of an axis and a place on it: what lies before that plane, as seen from ``facing``, is cut away.
    facing
        Direction that a clipped side faces: 1 or −1 along its axis.
    edges
        Colour of the edges of the box.
    finer
        Pixels that are rendered for each that is shown, along each axis, so that edges are smooth.
    """

    grid: Grid
    values: np.ndarray
    camera: Camera
    size: tuple[int, int]
    level: float | None = None
    color: str = "#4cc9a7"
    table: np.ndarray | None = None
    ends: tuple[float, float] = (0.0, 1.0)
    clip: tuple[int, float] | None = None
    facing: int = 1
    edges: str = "#404040"
    finer: int = 2


class Renderer:
    """A process that renders scenes; a crash of the graphics library ends only that process."""

    def __init__(self) -> None:
        self._complaints: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed with the process
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", RENDERER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=os.environ | {"PYTHONPATH": path},
        )

    def image(self, scene: Scene) -> np.ndarray:
        """Render a scene.

        Returns
        -------
        ndarray
            Red, green, blue and opacity, uint8 of shape (height, width, 4), top row first.

        Raises
        ------
        RunError
            If nothing can be rendered here.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        width, height = scene.size
        try:
            pickle.dump(scene, self._process.stdin)
            self._process.stdin.flush()
            data = self._process.stdout.read(width * height * 4)
        except BrokenPipeError:
            data = b""
        if len(data) < width * height * 4:
            self._process.wait()
            raise RunError(f"surfaces and volumes cannot be rendered here: {last_line(self._complaints)}")
        return np.frombuffer(data, np.uint8).reshape(height, width, 4)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._complaints.close()


@cache
def renderer() -> Renderer:
    """Return the renderer of this process, which is started when it is first needed and ends with it."""
    started = Renderer()
    atexit.register(started.close)
    return started


@cache
def obstacle_to_rendering() -> str:
    """Why surfaces and volumes cannot be rendered here, in one line, found by rendering a box; empty if they can."""
    if reason := missing():
        return reason
    grid = Grid((4, 4, 4))
    (camera,) = Camera.around(grid.lengths, 1.0, [AZIMUTH], ELEVATION)
    try:
        renderer().image(Scene(grid, np.zeros(grid.shape), camera, (16, 16), level=1.0))
    except RunError as error:
        return str(error)
    return ""


def missing() -> str:
    """Why surfaces and volumes cannot be rendered, in one line; empty if the library for it is there."""
    return "" if importlib.util.find_spec("pyvista") is not None else f"PyVista is not installed; {INSTALL}"


def box_corners(lengths: Sequence[float]) -> np.ndarray:
    """The corners of a box from the origin, shape (8, 3)."""
    return np.stack(np.meshgrid(*[(0.0, length) for length in lengths], indexing="ij"), axis=-1).reshape(8, 3)


def name_axes(axes: Axes, camera: Camera, lengths: Sequence[float], color: str, ticks: bool = True) -> None:
    """Write the names of the axes and, if wanted, their ends beside the edges of a box that are nearest.

    Parameters
    ----------
    axes
        Axes whose data units are half the height of the picture, from its middle.
    camera
        The camera.
    lengths
        Periods of the torus.
    color
        Colour of the letters.
    ticks
        Whether to write the ends.
    """
    middle = np.array(lengths) / 2
    for axis in range(3):
        edge = _silhouette_edge(axis, camera, lengths)
        start, end = (np.where(np.arange(3) == axis, place, edge) for place in (0.0, lengths[axis]))
        ends = camera.project(np.array([start, end, (start + end) / 2, middle]), lengths)
        along = (ends[1] - ends[0]) / max(float(np.linalg.norm(ends[1] - ends[0])), 1e-9)
        outward = np.array([along[1], -along[0]])
        outward *= np.sign(outward @ (ends[2] - ends[3])) or 1.0
        told = [(ends[2], NAMES[axis], 0.5)]
        if ticks:
            told += [(ends[0], "0", 0.12), (ends[1], short(lengths[axis]), 0.88)]
        for _, text, share in told:
            place = ends[0] + share * (ends[1] - ends[0]) + 0.075 * outward
            axes.text(place[0], place[1], text, ha="center", va="center", fontsize=8, color=color)


def _silhouette_edge(axis: int, camera: Camera, lengths: Sequence[float]) -> np.ndarray:
    """Return a corner on the edge along an axis that has the box on one side only, and is lowest or leftmost."""
    others = [other for other in range(3) if other != axis]
    found = []
    middle = camera.project(np.array([lengths]) / 2, lengths)[0]
    for one in (0.0, lengths[others[0]]):
        for other in (0.0, lengths[others[1]]):
            corner = np.zeros(3)
            corner[others] = one, other
            center = corner.copy()
            center[axis] = lengths[axis] / 2
            found.append((camera.project(center[None], lengths)[0] - middle, corner))
    if axis == 2:
        return min(found, key=lambda each: float(each[0][0]))[1]
    return min(found, key=lambda each: float(each[0][1]))[1]


def clip_plane(grid: Grid, axis: str, at: float | None) -> tuple[int, float]:
    """The number of an axis and the place of a clipping plane across it; InputError if it is outside the box."""
    number = NAMES.index(axis)
    length = grid.lengths[number]
    if at is not None and not 0 < at < length:
        raise InputError(f"at = {at:g}: {axis} must be between 0 and {length:g}")
    return number, length / 2 if at is None else at
