"""The equation: kernels, the flow of a density to a target, and the contract of a solver."""
