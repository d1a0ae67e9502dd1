"""The compiled loops of the finite-volume schemes; docs/architecture.md says what is where."""
