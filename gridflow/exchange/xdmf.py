"""XDMF: a description in XML of the arrays in an HDF5 file beside it, for ParaView and VisIt."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree as Tree

import h5py

from gridflow.exchange.fields import Fields, Frames, as_image
from gridflow.exchange.hdf5 import over_time, put
from gridflow.files import publishing
from gridflow.runtime.schema import publish_hdf5, write_chunks
from gridflow.runtime.store import RunDirectory


@dataclass(frozen=True)
class Xdmf(Fields, kind="xdmf", suffixes=(".xdmf",)):
    """All snapshots as cell data of a uniform mesh over time, in XML with an HDF5 file beside it: ParaView, VisIt.

    The HDF5 file has the same name with ``.h5`` added. Move both together.
    """

    on_sphere: ClassVar[bool] = False

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the two files, of which neither appears unless both can be written."""
        frames = self.frames(stored)
        beside = path.with_name(f"{path.name}.h5")
        with publishing(path) as description:
            description.write_bytes(_described(frames, beside.name))
            publish_hdf5(beside, lambda file: _fill(file, frames))
        return path


def _fill(file: h5py.File, frames: Frames) -> None:
    """Write the arrays, with x as the last axis, each over time; the target has no time."""
    grid = frames.stored.grid
    target = as_image(grid, frames.stored.target)
    put(file, "target", target)
    made = {name: over_time(file, name, len(frames), target.shape, frames.arrays[name][1]) for name in frames.fields}
    for number, frame in enumerate(frames):
        for name, data in made.items():
            write_chunks(data, as_image(grid, getattr(frame, name)), (number,))


def _described(frames: Frames, beside: str) -> bytes:
    """Return the description of all times."""
    root = Tree.Element("Xdmf", Version="2.0")
    over_time = Tree.SubElement(
        Tree.SubElement(root, "Domain"), "Grid", Name="run", GridType="Collection", CollectionType="Temporal"
    )
    for number, time in enumerate(frames.times.tolist()):
        _describe(over_time, frames, number, time, beside)
    Tree.indent(root)
    return bytes(Tree.tostring(root, encoding="utf-8", xml_declaration=True))


def _describe(parent: Tree.Element, frames: Frames, number: int, time: float, beside: str) -> None:
    """Add one time: its mesh, from the origin in steps of one cell, and where in the file its arrays are.

    A plane is a single layer of cells in three dimensions, because readers put a mesh of two into the plane of y and z.
    """
    grid: Any = frames.stored.grid
    missing = 3 - grid.dim
    cells = [*grid.shape, *[1] * missing]
    spacing = [*grid.spacing, *[grid.spacing[0]] * missing]
    node = Tree.SubElement(parent, "Grid", Name=f"t = {time!r}", GridType="Uniform")
    Tree.SubElement(node, "Time", Value=repr(time))
    Tree.SubElement(node, "Topology", TopologyType="3DCoRectMesh", Dimensions=_listed([n + 1 for n in cells]))
    geometry = Tree.SubElement(node, "Geometry", GeometryType="Origin_DxDyDz")
    for numbers in ([0.0] * 3, spacing):
        _item(geometry, [3], "XML", 8).text = _listed(numbers)
    whole, shape = len(frames), list(grid.shape)
    for name in frames.fields:
        slab = Tree.SubElement(_attribute(node, name), "DataItem", ItemType="HyperSlab", Dimensions=_listed(cells))
        rank = 1 + grid.dim
        selected = Tree.SubElement(slab, "DataItem", Format="XML", Dimensions=f"3 {rank}")
        start, stride, count = [*[0] * grid.dim, number], [1] * rank, [*shape, 1]
        selected.text = " ".join(map(_listed, (start, stride, count)))
        _item(slab, [*shape, whole], "HDF", frames.arrays[name][1].itemsize).text = f"{beside}:/{name}"
    _item(_attribute(node, "target"), cells, "HDF", frames.stored.target.itemsize).text = f"{beside}:/target"


def _attribute(node: Tree.Element, name: str) -> Tree.Element:
    return Tree.SubElement(node, "Attribute", Name=name, AttributeType="Scalar", Center="Cell")


def _item(parent: Tree.Element, shape: list[int], kind: str, precision: int) -> Tree.Element:
    return Tree.SubElement(
        parent, "DataItem", Format=kind, Dimensions=_listed(shape), NumberType="Float", Precision=str(precision)
    )


def _listed(numbers: list[Any]) -> str:
    """Write numbers along x, y, z in the order of XDMF, x last."""
    return " ".join(map(repr, numbers[::-1]))
