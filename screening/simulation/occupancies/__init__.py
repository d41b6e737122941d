"""Vehicles roll through portals: gross counts and spectra of each pass, with its truth."""

from .batch import expected_pass, simulate_counts, simulate_spectra
from .conditions import BeamRecipe, CargoRecipe, NeighbourRecipe, RainRecipe
from .motion import reversing, stop_and_go
from .passes import simulate_occupancy
from .recipe import OccupancyRecipe, SourceRecipe, recipe_from_dict, truth_of
from .series import simulate_series
from .street import StreetRun, street_run, street_source
from .weather import Weather, draw_weather, weathered
from .windows import simulate_windows

__all__ = [
    "BeamRecipe",
    "CargoRecipe",
    "NeighbourRecipe",
    "OccupancyRecipe",
    "RainRecipe",
    "SourceRecipe",
    "StreetRun",
    "Weather",
    "draw_weather",
    "expected_pass",
    "recipe_from_dict",
    "reversing",
    "simulate_counts",
    "simulate_occupancy",
    "simulate_series",
    "simulate_spectra",
    "simulate_windows",
    "stop_and_go",
    "street_run",
    "street_source",
    "truth_of",
    "weathered",
]
