"""Containers roll past line scanners: raw counts of each picture, with its truth."""

from .pictures import (
    RADIOGRAPH_KINDS,
    Composition,
    Matched,
    MatchedScans,
    RadiographRecipe,
    compose,
    compose_pair,
    container_boxes,
    recipe_from_dict,
    simulate_pair,
    simulate_radiograph,
)

__all__ = [
    "RADIOGRAPH_KINDS",
    "Composition",
    "Matched",
    "MatchedScans",
    "RadiographRecipe",
    "compose",
    "compose_pair",
    "container_boxes",
    "recipe_from_dict",
    "simulate_pair",
    "simulate_radiograph",
]
