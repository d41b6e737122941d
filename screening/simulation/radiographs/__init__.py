"""Containers roll past line scanners: raw counts of each picture, with its truth."""

from .pictures import (
    RADIOGRAPH_KINDS,
    Composition,
    RadiographRecipe,
    compose,
    container_boxes,
    recipe_from_dict,
    simulate_radiograph,
)

__all__ = [
    "RADIOGRAPH_KINDS",
    "Composition",
    "RadiographRecipe",
    "compose",
    "container_boxes",
    "recipe_from_dict",
    "simulate_radiograph",
]
