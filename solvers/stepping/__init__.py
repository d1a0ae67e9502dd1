"""Steps in time: Runge–Kutta tableaux, bounds on the step, explicit and adaptive stepping."""
