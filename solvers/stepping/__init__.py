"""Time stepping: Runge–Kutta tableaux, bounds on the step, explicit and adaptive steps."""
