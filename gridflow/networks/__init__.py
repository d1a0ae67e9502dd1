"""Shallow networks: their weights and weight files, and conversions between networks and measures."""

from gridflow.networks.measures import (
    METHODS,
    TRAINING,
    angles,
    measure_from_network,
    network_from_measure,
    random_weights,
)
from gridflow.networks.weights import Weights, from_state_dict, load_weights, save_weights, to_state_dict

__all__ = [
    "METHODS",
    "TRAINING",
    "Weights",
    "angles",
    "from_state_dict",
    "load_weights",
    "measure_from_network",
    "network_from_measure",
    "random_weights",
    "save_weights",
    "to_state_dict",
]
