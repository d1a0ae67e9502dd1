"""XDMF: a description in XML of the arrays in an HDF5 file beside it, for ParaView and VisIt."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree as Tree

import h5py
import numpy as np

from gridflow.exchange.fields import Fields, as_image, names_of
from gridflow.files import publish, publishing
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory


@dataclass(frozen=True)
class Xdmf(Fields, kind="xdmf", suffixes=(".xdmf",)):
    """All snapshots as cell data of a uniform mesh over time, in XML with an HDF5 file beside it: ParaView, VisIt.

    The HDF5 file has the same name with ``.h5`` added. Move both together.
    """

    on_sphere: ClassVar[bool] = False

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the two files, that with the arrays first; see :meth:`Format.write`."""
        beside = path.with_name(f"{path.name}.h5")
        root = Tree.Element("Xdmf", Version="2.0")
        over_time = Tree.SubElement(Tree.SubElement(root, "Domain"), "Grid", Name="run", GridType="Collection",
                                    CollectionType="Temporal")  # fmt: skip
        with publishing(beside) as temporary, h5py.File(temporary, "w", track_order=True) as file:
            target = _put(file, "target", as_image(stored.grid, stored.target))
            for number, frame in enumerate(self.frames(stored)):
                held = {
                    name: _put(file, f"{name}_{number:06d}", as_image(stored.grid, getattr(frame, name)))
                    for name in names_of(frame)
                }
                _describe(over_time, stored.grid, frame, held | {"target": target}, beside.name)
        Tree.indent(root)
        publish(path, lambda handle: handle.write(Tree.tostring(root, encoding="utf-8", xml_declaration=True)))
        return path


def _put(file: h5py.File, name: str, values: np.ndarray) -> h5py.Dataset:
    return file.create_dataset(name, data=values, compression="gzip", compression_opts=1, shuffle=True)


def _describe(parent: Tree.Element, grid: Any, frame: Snapshot, held: dict[str, h5py.Dataset], beside: str) -> None:
    """Add one time: its mesh, from the origin in steps of one cell, and the arrays, with x as the last axis.

    A plane is a single layer of cells in three dimensions, because readers put a mesh of two into the plane of y and z.
    """
    missing = 3 - grid.dim
    cells = [*grid.shape, *[1] * missing]
    spacing = [*grid.spacing, *[grid.spacing[0]] * missing]
    node = Tree.SubElement(parent, "Grid", Name=f"t = {frame.time!r}", GridType="Uniform")
    Tree.SubElement(node, "Time", Value=repr(frame.time))
    Tree.SubElement(node, "Topology", TopologyType="3DCoRectMesh", Dimensions=_listed([n + 1 for n in cells]))
    geometry = Tree.SubElement(node, "Geometry", GeometryType="Origin_DxDyDz")
    for numbers in ([0.0] * 3, spacing):
        item = Tree.SubElement(geometry, "DataItem", Format="XML", Dimensions="3", NumberType="Float", Precision="8")
        item.text = _listed(numbers)
    for name, data in held.items():
        field = Tree.SubElement(node, "Attribute", Name=name, AttributeType="Scalar", Center="Cell")
        size = str(data.dtype.itemsize)
        shape = _listed(cells)
        item = Tree.SubElement(field, "DataItem", Format="HDF", Dimensions=shape, NumberType="Float", Precision=size)
        item.text = f"{beside}:{data.name}"


def _listed(numbers: list[Any]) -> str:
    """Write numbers along x, y, z in the order of XDMF, x last."""
    return " ".join(map(repr, numbers[::-1]))
