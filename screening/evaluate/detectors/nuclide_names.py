"""Read the names other programs give to nuclides: "Cesium-137", "137Cs", "cs137", "CS 137 (industrial)"."""

from __future__ import annotations

import re
from functools import cache

from screening.evaluate.identification import load_correspondence
from screening.physics import NUCLIDES
from screening.physics.materials import SYMBOLS

__all__ = ["label_of"]

#: English names of the elements whose nuclides instruments report, with the spellings in use.
_NAMES = {
    "beryllium": "Be", "carbon": "C", "nitrogen": "N", "oxygen": "O", "fluorine": "F", "sodium": "Na",
    "aluminium": "Al", "aluminum": "Al", "phosphorus": "P", "chlorine": "Cl", "potassium": "K",
    "scandium": "Sc", "titanium": "Ti", "vanadium": "V", "chromium": "Cr", "manganese": "Mn", "iron": "Fe",
    "cobalt": "Co", "copper": "Cu", "zinc": "Zn", "gallium": "Ga", "germanium": "Ge", "arsenic": "As",
    "selenium": "Se", "bromine": "Br", "krypton": "Kr", "rubidium": "Rb", "strontium": "Sr",
    "yttrium": "Y", "zirconium": "Zr", "niobium": "Nb", "molybdenum": "Mo", "technetium": "Tc",
    "ruthenium": "Ru", "rhodium": "Rh", "palladium": "Pd", "silver": "Ag", "cadmium": "Cd",
    "indium": "In", "tin": "Sn", "antimony": "Sb", "tellurium": "Te", "iodine": "I", "xenon": "Xe",
    "cesium": "Cs", "caesium": "Cs", "barium": "Ba", "lanthanum": "La", "cerium": "Ce",
    "neodymium": "Nd", "promethium": "Pm", "samarium": "Sm", "europium": "Eu", "gadolinium": "Gd",
    "terbium": "Tb", "holmium": "Ho", "erbium": "Er", "thulium": "Tm", "ytterbium": "Yb",
    "lutetium": "Lu", "hafnium": "Hf", "tantalum": "Ta", "tungsten": "W", "rhenium": "Re",
    "iridium": "Ir", "platinum": "Pt", "gold": "Au", "mercury": "Hg", "thallium": "Tl", "lead": "Pb",
    "bismuth": "Bi", "polonium": "Po", "astatine": "At", "radon": "Rn", "francium": "Fr",
    "radium": "Ra", "actinium": "Ac", "thorium": "Th", "protactinium": "Pa", "uranium": "U",
    "neptunium": "Np", "plutonium": "Pu", "americium": "Am", "curium": "Cm", "berkelium": "Bk",
    "californium": "Cf",
}  # fmt: skip
#: What is no nuclide but has a name everybody uses; written without blanks and hyphens.
_GROUPS = {
    "heu": "HEU", "highlyenricheduranium": "HEU", "leu": "LEU", "lowenricheduranium": "LEU",
    "depleteduranium": "DU", "du": "DU", "naturaluranium": "U-nat", "unat": "U-nat", "natu": "U-nat",
    "weaponsgradeplutonium": "WGPu", "wgpu": "WGPu", "reactorgradeplutonium": "RGPu", "rgpu": "RGPu",
    "annihilation": "annihilation", "511": "annihilation", "511kev": "annihilation",
    "ambe": "Am-Be", "pube": "Pu-Be",
}  # fmt: skip
_REMARK = re.compile(r"\s*[\[(].*$")
_SYMBOL_FIRST = re.compile(r"^([A-Za-z]+?)[\s_-]*(\d{1,3})[\s_-]*([mM]?)\d?$")
_MASS_FIRST = re.compile(r"^(\d{1,3})[\s_-]*([mM]?)[\s_-]*([A-Za-z]+)$")


@cache
def label_of(name: str) -> str:
    """Return the label of this package for a name.

    Parameters
    ----------
    name : str
        As another program writes it; a remark in brackets behind it is left out.

    Returns
    -------
    str
        The label; the name as it stands if no label is meant by it.

    Examples
    --------
    >>> [label_of(name) for name in ("Cesium-137", "137Cs", "cs137", "99mTc", "U235", "Gizmo-1")]
    ['Cs-137', 'Cs-137', 'Cs-137', 'Tc-99m', 'U-235', 'Gizmo-1']
    """
    text = name.strip()
    table = load_correspondence()
    if table.knows(text):
        return text
    bare = _REMARK.sub("", text)
    group = _GROUPS.get(re.sub(r"[\s_-]", "", bare).lower())
    if group is not None and table.knows(group):
        return group
    by_case = {label.lower(): label for label in (*NUCLIDES, *table.category)}
    if bare.lower() in by_case:
        return by_case[bare.lower()]
    if found := _SYMBOL_FIRST.match(bare):
        element, mass, isomer = found.group(1), found.group(2), found.group(3)
    elif found := _MASS_FIRST.match(bare):
        element, mass, isomer = found.group(3), found.group(1), found.group(2)
    else:
        return text
    symbol = _symbol(element)
    if symbol is None:
        return text
    label = f"{symbol}-{mass}{isomer.lower()}"
    return label if table.knows(label) else text


def _symbol(element: str) -> str | None:
    if element.lower() in _NAMES:
        return _NAMES[element.lower()]
    symbol = element.capitalize()
    return symbol if symbol in SYMBOLS[1:] else None
