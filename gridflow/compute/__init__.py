"""Arithmetic that knows no equation: threads, Fourier and harmonic transforms, products of matrices."""
