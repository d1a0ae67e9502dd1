"""The weights of a shallow ReLU network, and their exchange with NumPy files and PyTorch."""

import importlib
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from gridflow.compute.matmul import ENTRIES, product
from gridflow.errors import InputError
from gridflow.files import publish, sha256


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of a shallow network ``f(x) = (1/m) Σ_j a_j max(w_j·x, 0)``; read-only.

    Parameters
    ----------
    inner
        Inner weights w, shape (m, inputs), with at least two inputs. A bias is the weight of an additional input that
        is always 1.
    outer
        Outer weights a, shape (m,), of either sign.

    Raises
    ------
    InputError
        If a shape is wrong or a number is not finite.
    """

    inner: np.ndarray = field(repr=False)
    outer: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        inner, outer = np.array(self.inner, dtype=float, order="C"), np.array(self.outer, dtype=float)
        if inner.ndim != 2 or len(inner) == 0 or inner.shape[1] < 2:
            raise InputError(f"inner weights have shape {inner.shape}; (m, inputs) is needed, m ≥ 1 and inputs ≥ 2")
        if outer.shape != inner.shape[:1]:
            raise InputError(f"outer weights have shape {outer.shape}; ({len(inner)},) is needed")
        for name, values in (("inner", inner), ("outer", outer)):
            if not np.isfinite(values).all():
                which = int(np.argwhere(~np.isfinite(values))[0][0])
                raise InputError(f"{name} weights must be finite; that of neuron {which} is {values[which]}")
            values.flags.writeable = False
        object.__setattr__(self, "inner", inner)
        object.__setattr__(self, "outer", outer)

    @property
    def count(self) -> int:
        """Number of neurons m."""
        return len(self.outer)

    @property
    def dim(self) -> int:
        """Dimension d of the sphere, one less than the number of inputs."""
        return self.inner.shape[1] - 1

    @property
    def norms(self) -> np.ndarray:
        """Norms |w_j|, float64 of shape (m,)."""
        result: np.ndarray = np.sqrt(np.einsum("ij,ij->i", self.inner, self.inner))
        return result

    @property
    def directions(self) -> np.ndarray:
        """Directions w_j / |w_j|, float64 of shape (m, inputs); the first axis for w_j = 0, which has mass 0."""
        norms = self.norms[:, None]
        found = np.where(norms > 0, self.inner / np.where(norms > 0, norms, 1.0), 0.0)
        found[norms[:, 0] == 0, 0] = 1.0
        return found

    @property
    def masses(self) -> np.ndarray:
        """Signed masses a_j |w_j| / m, float64 of shape (m,)."""
        return self.outer * self.norms / self.count

    @property
    def balance(self) -> np.ndarray:
        """Balance |w_j|² − a_j², shape (m,); conserved by exact gradient flow, and 0 for a balanced network."""
        return np.einsum("ij,ij->i", self.inner, self.inner) - self.outer**2

    @property
    def sha256(self) -> str:
        """SHA-256 of the shape and bytes of all weights, in hexadecimal digits."""
        return sha256(str(self.inner.shape).encode(), self.inner, self.outer)

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Evaluate the network.

        Parameters
        ----------
        inputs
            Points x, shape (n, inputs).

        Returns
        -------
        ndarray
            f(x), float64 of shape (n,); the same bits for any number of threads.

        Raises
        ------
        InputError
            If the shape is wrong.
        """
        x = np.asarray(inputs, dtype=float)
        if x.ndim != 2 or x.shape[1] != self.inner.shape[1]:
            raise InputError(f"inputs have shape {x.shape}; (n, {self.inner.shape[1]}) is needed")
        result = np.empty(len(x))
        rows = max(16, ENTRIES // self.count)
        hidden = np.empty((min(rows, len(x)), self.count))
        for start in range(0, len(x), rows):
            part = x[start : start + rows]
            active = product(part, self.inner.T, hidden[: len(part)])
            np.maximum(active, 0, out=active)
            np.einsum("ij,j->i", active, self.outer, out=result[start : start + rows])
        result /= self.count
        return result


def save_weights(path: str | os.PathLike[str], weights: Weights) -> None:
    """Write weights atomically to a NumPy file (.npz) with the arrays ``inner`` and ``outer``.

    Parameters
    ----------
    path
        File to write.
    weights
        The network.

    Raises
    ------
    RunError
        If the file cannot be written.
    """
    publish(Path(path), lambda file: np.savez(file, inner=weights.inner, outer=weights.outer))


def load_weights(path: str | os.PathLike[str]) -> Weights:
    """Read weights written by :func:`save_weights`.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Weights
        Inner weights of shape (m, inputs) and outer weights of shape (m,).

    Raises
    ------
    InputError
        If the file is missing or damaged, or does not contain weights.
    """
    try:
        with Path(path).open("rb") as file:
            found = np.load(file, allow_pickle=False)
            arrays = {name: found[name] for name in found.files} if isinstance(found, np.lib.npyio.NpzFile) else {}
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except ValueError:  # NumPy's own message would advise unpickling an unknown file
        raise InputError(f"{path} is damaged or not a NumPy .npz file") from None
    except (OSError, EOFError, BadZipFile, KeyError, NotImplementedError, zlib.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} is damaged or not a file of weights: {reason}") from None
    if not {"inner", "outer"} <= arrays.keys():
        raise InputError(f"{path} holds {', '.join(arrays) or 'one array'}; a file of weights has inner and outer")
    try:
        return Weights(arrays["inner"], arrays["outer"])
    except ValueError as error:  # wrong shapes, or entries that are not numbers
        raise InputError(f"{path}: {error}") from None


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError:
        raise InputError("this needs PyTorch, which is not installed: pip install torch") from None


def to_state_dict(weights: Weights) -> dict[str, Any]:
    """Convert weights to ``Sequential(Linear(inputs, m, bias=False), ReLU(), Linear(m, 1, bias=False))`` of PyTorch.

    The factor 1/m is split evenly between the layers, w / √m and a / √m, so that a balanced network stays balanced.

    Parameters
    ----------
    weights
        The network.

    Returns
    -------
    dict
        Tensors of float64, ``0.weight`` (m, inputs) and ``2.weight`` (1, m); for ``Sequential.double()``.

    Raises
    ------
    InputError
        If PyTorch is not installed.
    """
    torch, share = _torch(), np.sqrt(weights.count)
    return {
        "0.weight": torch.from_numpy(weights.inner / share),
        "2.weight": torch.from_numpy(weights.outer[None] / share),
    }


def from_state_dict(given: Mapping[str, Any] | str | os.PathLike[str]) -> Weights:
    """Convert a PyTorch network of two layers with ReLU in between and one output, whatever the names of its layers.

    The layers are recognised by their shapes, (m, inputs) and (1, m). A bias of the first layer becomes the weight of
    an additional, last input: the network then takes (x, 1).

    Parameters
    ----------
    given
        A mapping of names to tensors or arrays, or the path of a file (.pt, .pth) in which ``torch.save`` stored one.

    Returns
    -------
    Weights
        The same function, with the factor 1/m taken out.

    Raises
    ------
    InputError
        If there are other layers or a nonzero bias of the output, or if PyTorch is needed but not installed.
    """
    if isinstance(given, str | os.PathLike):
        given = _load_torch(Path(given))
    if not isinstance(given, Mapping) or not all(hasattr(value, "shape") for value in given.values()):
        raise InputError(f"a state_dict maps names to tensors; a {type(given).__name__} of other things was given")
    arrays = {str(name): _as_array(value) for name, value in given.items()}
    listed = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "nothing"
    matrices = [name for name, array in arrays.items() if array.ndim == 2]
    fitting = (
        [
            (inner, outer)
            for inner, outer in (matrices, matrices[::-1])
            if arrays[outer].shape == (1, len(arrays[inner]))
        ]
        if len(matrices) == 2
        else []
    )
    if not fitting:
        raise InputError(f"two layers are needed, of shapes (m, inputs) and (1, m); the state_dict holds {listed}")
    first, last = fitting[0]
    inner, outer = arrays.pop(first), arrays.pop(last)[0]
    offsets: list[np.ndarray] = []
    for name, offset in arrays.items():
        if offset.shape == (1,) and (len(outer) > 1 or _layer(name) == _layer(last)):
            round_off = np.finfo(np.float32).eps * float(abs(outer) @ abs(inner).sum(axis=1))
            if not abs(offset[0]) <= round_off:
                raise InputError(f"{name} = {offset[0]:.6g}: the offset of the output must be 0; train without one")
        elif offset.shape == outer.shape and not offsets:
            offsets.append(offset[:, None])
        else:
            raise InputError(
                f"only two layers, and an offset of the first, are supported; the state_dict holds {listed}"
            )
    root = np.sqrt(len(outer))
    return Weights(np.concatenate([inner, *offsets], axis=1) * root, outer * root)


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _as_array(value: Any) -> np.ndarray:
    """Return a tensor of any type on any device, or an array, as a float64 array."""
    return np.asarray(value.detach().cpu().double().numpy() if hasattr(value, "detach") else value, dtype=float)


def _load_torch(path: Path) -> Any:
    if path.suffix not in (".pt", ".pth"):
        raise InputError(f"{path}: PyTorch files end in .pt or .pth; load_weights reads .npz")
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    torch = _torch()
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling unknown bytes can raise anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} is damaged or holds more than a state_dict: {reason}") from None
