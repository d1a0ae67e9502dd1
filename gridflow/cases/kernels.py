"""The tables of a case file that make kernels."""

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gridflow.cases.base import Positive, Table
from gridflow.equation import kernels


class KernelTable(Table):
    """``[kernel]``: its kind and parameters."""

    make: ClassVar[Callable[..., kernels.Kernel]]

    def build(self) -> kernels.Kernel:
        """The kernel."""
        return type(self).make(**self.model_dump(exclude={"kind"}))


class RieszTable(KernelTable):
    """Riesz kernel of order s; s = 1 is Coulomb."""

    make = kernels.Riesz
    kind: Literal["riesz"]
    s: Positive
    symbol: Literal["mimetic", "spectral"] = "spectral"


class GaussianKernelTable(KernelTable):
    """Gaussian kernel of a bandwidth."""

    make = kernels.Gaussian
    kind: Literal["gaussian"]
    width: Positive


class MaternTable(KernelTable):
    """Matérn kernel; nu = 0.5 is the Laplace kernel."""

    make = kernels.Matern
    kind: Literal["matern"]
    nu: Positive
    length: Positive


class ReLUTable(KernelTable):
    """Kernel of a shallow network whose activation is a power of ReLU; for circles and spheres."""

    make = kernels.ReLU
    kind: Literal["relu"]
    power: Annotated[int, Field(ge=0, le=8)] = 1
    inputs: Literal["uniform", "gaussian"] = "uniform"


AnyKernel = Annotated[RieszTable | GaussianKernelTable | MaternTable | ReLUTable, Field(discriminator="kind")]
