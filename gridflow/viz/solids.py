"""Surfaces and volumes in three dimensions, rendered off screen; the only importer of PyVista.

A renderer is a process of its own, since a graphics library may crash where there is no driver for it. PyVista takes a
second to import, so every function here imports it itself.
"""

import os
import pickle
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gridflow.domains.torus import Grid
from gridflow.viz.solid_scenes import OPENING, Scene

if TYPE_CHECKING:
    import pyvista

LAYERS = 10
"""Number of layers across the shortest period for which the opacity of a volume is given."""


def surface_mesh(grid: Grid, values: np.ndarray, level: float) -> "pyvista.PolyData":
    """The surface on which a field on a torus has a value, within one period.

    The field is linear between the centres of cells, also across the border. The surface ends on the border.

    Parameters
    ----------
    grid
        The torus, in three dimensions.
    values
        The field, shape ``grid.shape``.
    level
        The value.

    Returns
    -------
    pyvista.PolyData
        The triangles, with coordinates in units of length; none if the field does not have the value.
    """
    block = _block(grid, values)
    mesh = block.contour([level], "values", compute_normals=True, method="flying_edges")
    if mesh.n_points:
        points = np.array(mesh.points, dtype=float)
        for axis, (n, h) in enumerate(zip(grid.shape, grid.spacing, strict=True)):
            layers = np.concatenate([[0.0], (np.arange(n) + 0.5) * h, [grid.lengths[axis]]])
            points[:, axis] = np.interp(points[:, axis], (np.arange(n + 2) - 0.5) * h, layers)
        mesh.points = points
    return mesh


def _block(grid: Grid, values: np.ndarray) -> "pyvista.ImageData":
    """A field at the centres of the cells and, in the first and the last layer, on the border of the torus."""
    import pyvista

    padded = np.pad(np.asarray(values, dtype=np.float32), 1, mode="wrap")
    for axis in range(3):
        layers = np.moveaxis(padded, axis, 0)
        layers[0], layers[-1] = ((layers[a] + layers[b]) / 2 for a, b in ((0, 1), (-2, -1)))
    origin = tuple(-h / 2 for h in grid.spacing)
    block = pyvista.ImageData(dimensions=padded.shape, spacing=grid.spacing, origin=origin)
    block.point_data["values"] = padded.ravel(order="F")
    return block


def image(scene: Scene) -> np.ndarray:
    """Render a scene in this process; see :meth:`gridflow.viz.solid_scenes.Renderer.image`."""
    import pyvista
    from PIL import Image

    scene = _in_cells(scene)
    plotter = pyvista.Plotter(off_screen=True, window_size=[scene.finer * edge for edge in scene.size])
    try:
        box = pyvista.Box(tuple(end for length in scene.grid.lengths for end in (0.0, length)))
        plotter.add_mesh(box.extract_feature_edges(), color=scene.edges, line_width=1.4 * scene.finer, lighting=False)
        if scene.level is not None:
            _add_surface(plotter, scene)
        else:
            _add_volume(plotter, scene)
        _, up, toward = scene.camera.frame
        aim = np.array(scene.grid.lengths) / 2 + scene.camera.lift * up
        camera = plotter.camera
        camera.focal_point, camera.up, camera.view_angle = aim, (0.0, 0.0, 1.0), OPENING
        camera.position = aim + scene.camera.distance * toward
        plotter.reset_camera_clipping_range()
        found = plotter.screenshot(transparent_background=True, return_img=True)
    finally:
        plotter.close()
    return np.array(Image.fromarray(np.asarray(found)).reduce(scene.finer))


def _in_cells(scene: Scene) -> Scene:
    """The same scene in units of the smallest width of a cell: VTK samples volumes at a fixed distance of about 1."""
    unit = min(scene.grid.spacing)
    grid = Grid(scene.grid.shape, tuple(length / unit for length in scene.grid.lengths))
    camera = replace(scene.camera, distance=scene.camera.distance / unit, lift=scene.camera.lift / unit)
    clip = None if scene.clip is None else (scene.clip[0], scene.clip[1] / unit)
    return replace(scene, grid=grid, camera=camera, clip=clip)


def _add_surface(plotter: Any, scene: Scene) -> None:
    """Add a surface, softly lit; its inner side, seen where it is cut open, is darker."""
    assert scene.level is not None
    mesh = surface_mesh(scene.grid, scene.values, scene.level)
    if scene.clip is not None and mesh.n_points:
        origin, normal = _plane(scene)
        mesh = mesh.clip(normal=normal, origin=origin)
    if mesh.n_points:
        plotter.add_mesh(
            mesh, color=scene.color, smooth_shading=True, ambient=0.15, diffuse=0.85, specular=0.25, specular_power=20,
            backface_params={"color": scene.color, "ambient": 0.1, "diffuse": 0.55},
        )  # fmt: skip


def _add_volume(plotter: Any, scene: Scene) -> None:
    """Add a volume whose colours and opacities are those of a table over the range of values."""
    import pyvista
    from matplotlib.colors import ListedColormap

    assert scene.table is not None
    actor = plotter.add_volume(
        _block(scene.grid, scene.values), scalars="values", clim=scene.ends, cmap=ListedColormap(scene.table[:, :3]),
        opacity=np.rint(255 * scene.table[:, 3]).astype(np.uint8), mapper="gpu", show_scalar_bar=False,
        opacity_unit_distance=min(scene.grid.lengths) / LAYERS, render=False,
    )  # fmt: skip
    if scene.clip is not None:
        origin, normal = _plane(scene)
        actor.mapper.AddClippingPlane(pyvista.generate_plane(-normal, origin))


def _plane(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """A point on the clipping plane of a scene, and the direction of what is cut away."""
    assert scene.clip is not None
    origin, normal = np.zeros(3), np.zeros(3)
    origin[scene.clip[0]], normal[scene.clip[0]] = scene.clip[1], scene.facing
    return origin, normal


def render_for_another_process() -> None:
    """Render the scenes that come on standard input, and write the bytes of their images to standard output."""
    with os.fdopen(os.dup(1), "wb") as pipe:
        os.dup2(2, 1)  # what the library prints is no part of an image
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")  # else it looks for a display
        while True:
            try:
                scene = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            pipe.write(image(scene).data)
            pipe.flush()
