"""The pseudo-spectral solver for smooth densities."""
