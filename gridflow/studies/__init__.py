"""Studies: predictions, sweeps, trainings and benchmarks."""
