"""Many runs, or what is known before one: predictions, sweeps, trainings, benchmarks."""
