"""Vehicles roll through portals: gross counts and spectra of each pass, with its truth."""

from .passes import simulate_occupancy
from .recipe import OccupancyRecipe, SourceRecipe, recipe_from_dict, truth_of

__all__ = ["OccupancyRecipe", "SourceRecipe", "recipe_from_dict", "simulate_occupancy", "truth_of"]
