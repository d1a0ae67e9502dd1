"""The compiled loops of the solvers; docs/architecture.md has an overview."""
