"""The compiled loops of the solvers; docs/performance.md describes how they work."""
