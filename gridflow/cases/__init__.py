"""Case files: their TOML tables, the objects that these describe, and the run of a case."""
