"""The one place that states gridflow's version."""

__version__ = "0.1.0"
