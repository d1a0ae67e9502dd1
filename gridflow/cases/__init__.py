"""Case files: TOML tables, the objects they make, and the run of a case."""
