"""The one place that states gridflow's version."""

__version__ = "0.2.0.dev0"
