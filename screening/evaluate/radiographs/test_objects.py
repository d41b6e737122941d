"""Image quality of a simulated scanner: test objects in its beam, looked at by an observer of templates.

The objects and the rules are this project's own, after the questions that public summaries of
cargo-imaging standards ask. A scanner that does well here conforms to nothing by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.image_quality import (
    is_seen,
    limit_of,
    material_table,
    observer,
    paired_choices,
)
from screening.evaluate.metrics.observer import choices
from screening.evaluate.metrics.proportions import Proportion, proportion
from screening.evaluate.record import Curve, Figure, LeftOut, Part, Section, Series, figure_of

from .test_object_scenes import DENSITY, Tile, add_arrow, add_wire, exposures, made_scanner, steel_cm
from .test_object_signals import noise_figures, pair_figures, sharpness_figures

if TYPE_CHECKING:
    from screening.simulation.radiographs.scanner import Scanner
    from screening.simulation.radiographs.scene import Scene

__all__ = ["image_quality_part"]

SECTION = "image-quality"

#: Steel in front of the arrow, cm, for accelerators and for gamma sources.
PENETRATION_CM = {False: tuple(range(4, 52, 4)), True: tuple(range(2, 28, 2))}
#: Thickness of the arrow over that of the steel.
ARROW_SHARE = 0.2
#: Diameters of wires, mm, and steel in front of them, cm.
WIRES_MM = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0)
WIRE_BACKING_CM = {False: (0.0, 5.0, 10.0), True: (0.0, 2.0, 5.0)}
#: Thickness of plaques, % of that of the steel in front, and that steel, cm.
PLAQUES_PERCENT = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
PLAQUE_BACKING_CM = {False: (5.0, 10.0, 20.0), True: (2.0, 5.0, 10.0)}
#: Areal densities of blocks of each material, g/cm2.
BLOCKS_G_CM2 = (10.0, 20.0, 40.0, 80.0, 120.0)
#: Exposures: to learn from, and to test on, of the whole form and the short one.
N_LEARN, N_TEST = {False: 20, True: 5}, {False: 40, True: 16}
#: Almost noiseless exposures that the templates are the mean of.
N_QUIET = 8


#: Steps of a series, and of each whether it is seen and the share of right answers.
Shares = tuple[tuple[float, ...], list[tuple[bool, Proportion]]]


class _Setup(NamedTuple):
    """What all test objects are exposed with."""

    scanner: Scanner
    quiet: Scanner
    is_gamma: bool
    is_short: bool
    seeds: np.random.SeedSequence

    def taken(self, tiles: list[Tile], n: int) -> dict[tuple[object, ...], NDArray[np.float64]]:
        """Return patches of the most penetrating energy, each less its mean."""
        return {name: _level(patch) for name, patch in self.raw(tiles, n).items()}

    def known(self, tiles: list[Tile]) -> dict[tuple[object, ...], NDArray[np.float64]]:
        """Return the same almost without noise: what the observer knows."""
        made = exposures(self.quiet, tiles, N_QUIET, self.seeds.spawn(1)[0])
        return {name: _level(patch) for name, patch in made.items()}

    def raw(self, tiles: list[Tile], n: int) -> dict[tuple[object, ...], NDArray[np.float64]]:
        """Return patches of all energies."""
        return exposures(self.scanner, tiles, n, self.seeds.spawn(1)[0])

    @property
    def n_test(self) -> int:
        """Exposures to test on."""
        return N_TEST[self.is_short]


def image_quality_part(
    family: str, seed: int, is_short: bool, *, kind: str | None = None, section: str = SECTION
) -> Part:
    """Return the image quality of one simulated instance of a scanner family.

    Parameters
    ----------
    family : str
        A key of ``SCANNER_FAMILIES``.
    seed : int
        Of the instance and of all noise.
    is_short : bool
        Fewer exposures and steps: it shows the figures at work.
    kind : str, optional
        What it is built as; the family's first kind when omitted.
    section : str
        Section of the report.

    Returns
    -------
    Part
        Figures by family: penetration, wires, contrast, sharpness, wire pairs, material, noise; with the
        shares of right answers behind each as curves.

    Raises
    ------
    ValueError
        If the family is unknown, or not built as this kind.
    """
    from screening.simulation.radiographs.families import SCANNER_FAMILIES

    if family not in SCANNER_FAMILIES:
        raise ValueError(f"family must be one of {', '.join(sorted(SCANNER_FAMILIES))}, got {family!r}")
    built = kind or SCANNER_FAMILIES[family].kinds[0]
    root = np.random.SeedSequence([seed, 0x7E57, sorted(SCANNER_FAMILIES).index(family)])
    instance, noise = root.spawn(2)
    scanner = made_scanner(family, built, np.random.default_rng(instance))
    quiet = scanner._replace(
        gain=1e-3,
        electronic_sigma=1.0,
        multiplicative_noise=0.0,
        line_sigma=0.0,
        endpoint_jitter=0.0,
        calibration_error=0.0,
        wobble_rows=0.0,
    )
    setup = _Setup(scanner, quiet, built.startswith("vacis"), is_short, noise)
    figures: list[Figure] = []
    curves: list[Curve] = []
    for measure in (_penetration, _wires, _contrast):
        more, curve = measure(setup, section, family)
        figures += more
        curves.append(curve)
    figures += _materials(setup, section, family)
    steel = PENETRATION_CM[setup.is_gamma]
    more, curve = noise_figures(scanner, steel, setup.n_test, noise.spawn(1)[0], section, family)
    figures += more
    curves.append(curve)
    more, curve = sharpness_figures(scanner, setup.n_test, noise.spawn(1)[0], section, family)
    figures += more
    curves.append(curve)
    figures += pair_figures(
        scanner, (*WIRES_MM, 16.0, 22.0), setup.n_test, noise.spawn(1)[0], section, family
    )
    left_out = []
    if len(scanner.energies) < 2:
        text = f"{family} as {built} records one energy: no material is told"
        left_out.append(LeftOut(kind="one energy", where=family, text=text, is_error=False))
    short = " Short form: no measure." if is_short else ""
    return Part(
        sections=(_section(section, setup, short),),
        figures=tuple(figures),
        curves=tuple(curves),
        left_out=tuple(left_out),
        seeds={f"image quality {family}": seed},
    )


def _section(section: str, setup: _Setup, short: str) -> Section:
    return Section(
        id=section,
        title="Image quality of simulated scanners",
        text=(
            "Test objects stand in the beam of one instance of each family, open beam between them, on rows "
            "without faults. An observer that knows the objects looks at them: a matched filter on the "
            "transmission of the most penetrating energy, each patch less its mean. An object is seen if the "
            "lower bound of the exact 95 % interval of its share of right answers lies above 0.625 of four "
            "choices or 0.75 of two.",
            f"Penetration: direction of a steel arrow 0.2 m long and {ARROW_SHARE:.0%} as thick as the steel "
            "in front of it. Wires: steel, upright, 0.3 m of it, with or without. Contrast: steel plaques of "
            "0.1 m, with or without. Wire pairs: two wires a diameter apart, resolved from a dip of 20 %. "
            "Sharpness: an edge of 5 cm of steel slanted by 4 degrees. Material: blocks of four materials, "
            "-ln T of both energies over 6 cm, the nearest of the materials learned at that thickness.",
            "Objects and rules are this project's own. They test conformity to no standard.",
        ),
        data=f"simulated, {setup.n_test} exposures of each scene.{short}",
    )


def _penetration(setup: _Setup, section: str, family: str) -> tuple[list[Figure], Curve]:
    steps = tuple(float(cm) for cm in PENETRATION_CM[setup.is_gamma][:: 2 if setup.is_short else 1])
    tiles = []
    for thickness in steps:
        for direction in (*range(4), None):

            def _build(
                scene: Scene, y: float, z: float, t: float = thickness, d: int | None = direction
            ) -> None:
                steel_cm(scene, t, y, z, (0.4, 0.4))
                if d is not None:
                    add_arrow(scene, "steel", ARROW_SHARE * t, d, y, z, 0.2)

            tiles.append(Tile((thickness, direction), 0.4, (0.26, 0.26), _build))
    known, tested = setup.known(tiles), setup.taken(tiles, setup.n_test)
    shares: list[tuple[bool, Proportion]] = []
    for thickness in steps:
        seen_by = observer([known[thickness, d] for d in range(4)], known[thickness, None])
        right = [choices(seen_by, tested[thickness, d]) == d for d in range(4)]
        shares.append(is_seen(np.concatenate(right), 4))
    limit = limit_of(steps, [seen for seen, _ in shares])
    figures = [
        _limit(section, family, "penetration", "cm of steel", limit, steps, "higher", is_headline=True)
    ]
    return figures, _shares_curve(
        section, f"Penetration: direction of an arrow, {family}", "steel, cm", {"": (steps, shares)}
    )


def _wires(setup: _Setup, section: str, family: str) -> tuple[list[Figure], Curve]:
    steps = WIRES_MM[:: 2 if setup.is_short else 1]

    def _wire(scene: Scene, size: float, y: float, z: float) -> None:
        add_wire(scene, size, y, z, 0.3)

    figures: list[Figure] = []
    series: dict[str, Shares] = {}
    for backing in WIRE_BACKING_CM[setup.is_gamma]:
        found, shares = _asked(setup, steps, backing, _wire, 0.12, (0.24, 0.1))
        figures.append(_limit(section, family, "smallest wire", "mm", found, steps, "lower", behind=backing))
        series[f"behind {backing:g} cm"] = (steps, shares)
    return figures, _shares_curve(section, f"Wires, {family}", "diameter, mm", series)


def _contrast(setup: _Setup, section: str, family: str) -> tuple[list[Figure], Curve]:
    figures: list[Figure] = []
    series: dict[str, Shares] = {}
    for backing in PLAQUE_BACKING_CM[setup.is_gamma]:

        def _plaque(scene: Scene, percent: float, y: float, z: float, cm: float = backing) -> None:
            depth = (0.0, percent / 100.0 * cm / 100.0)
            scene.box("steel", DENSITY["steel"], depth, (y - 0.05, y + 0.05), (z - 0.05, z + 0.05))

        found, shares = _asked(setup, PLAQUES_PERCENT, backing, _plaque, 0.2, (0.2, 0.2))
        figures.append(
            _limit(
                section,
                family,
                "contrast sensitivity",
                "% of the steel",
                found,
                PLAQUES_PERCENT,
                "lower",
                behind=backing,
            )
        )
        series[f"behind {backing:g} cm"] = (PLAQUES_PERCENT, shares)
    title = f"Contrast: plaque of steel, {family}"
    return figures, _shares_curve(section, title, "plaque, % of the steel in front", series)


def _asked(
    setup: _Setup,
    steps: tuple[float, ...],
    backing_cm: float,
    build: Callable[[Scene, float, float, float], None],
    width_m: float,
    window_m: tuple[float, float],
) -> tuple[float | None, list[tuple[bool, Proportion]]]:
    """Return the smallest object seen behind steel, and the share of right answers for each size."""
    tiles = []
    for size in (*steps, 0.0):

        def _build(scene: Scene, y: float, z: float, s: float = size) -> None:
            steel_cm(scene, backing_cm, y, z, (0.4, width_m))
            if s > 0:
                build(scene, s, y, z)

        tiles.append(Tile((size,), width_m, window_m, _build))
    known, tested = setup.known(tiles), setup.taken(tiles, setup.n_test)
    shares = []
    for size in steps:
        seen_by = observer([known[size,]], known[0.0,])
        shares.append(is_seen(paired_choices(seen_by, tested[size,], tested[0.0,]), 2))
    return limit_of(steps, [seen for seen, _ in shares], is_harder_up=False), shares


def _materials(setup: _Setup, section: str, family: str) -> list[Figure]:
    if len(setup.scanner.energies) < 2:
        return []
    tiles = []
    for density in BLOCKS_G_CM2:
        for material in DENSITY:

            def _build(scene: Scene, y: float, z: float, m: str = material, g: float = density) -> None:
                half = 0.5 * g / DENSITY[m] / 100.0
                scene.box(m, DENSITY[m], (-half, half), (y - 0.06, y + 0.06), (z - 0.1, z + 0.1))

            tiles.append(Tile((material, density), 0.12, (0.06, 0.06), _build))

    def _features(n: int) -> dict[tuple[str, float], NDArray[np.float64]]:
        taken = setup.raw(tiles, n)
        return {
            (material, density): -np.log(np.maximum(taken[material, density].mean(axis=(2, 3)), 1e-6))
            for material in DENSITY
            for density in BLOCKS_G_CM2
        }

    table = material_table(_features(N_LEARN[setup.is_short]), _features(setup.n_test))
    figures = [
        figure_of(
            share, section=section, metric="material told right", better="higher",
            stratum=f"{family}, {material}, {density:g} g/cm2",
        )
        for (material, density), share in sorted(table.items(), key=lambda item: (item[0][1], item[0][0]))
    ]  # fmt: skip
    n_right, n = sum(share.k for share in table.values()), sum(share.n for share in table.values())
    whole = proportion(np.arange(n) < n_right)
    note = (
        f"{len(DENSITY)} materials at {len(BLOCKS_G_CM2)} thicknesses, one instance, on its own calibration"
    )
    figures.append(
        figure_of(
            whole, section=section, metric="material told right", stratum=family, better="higher", note=note
        )
    )
    return figures


def _limit(
    section: str,
    family: str,
    metric: str,
    unit: str,
    value: float | None,
    steps: tuple[float, ...],
    better: str,
    *,
    behind: float | None = None,
    is_headline: bool = False,
) -> Figure:
    note = f"steps of {min(steps):g} to {max(steps):g}"
    if value is None:
        note = f"not seen at any step; {note}"
    elif value == (max(steps) if better == "higher" else min(steps)):
        note = f"the hardest step is seen: a bound; {note}"
    return Figure(
        section=section,
        metric=metric,
        stratum=family if behind is None else f"{family}, behind {behind:g} cm of steel",
        value=value,
        unit=unit,
        method="none: last step that is seen",
        better="higher" if better == "higher" else "lower",
        is_headline=is_headline,
        note=note,
    )


def _shares_curve(
    section: str,
    title: str,
    x_label: str,
    series: dict[str, Shares],
) -> Curve:
    return Curve(
        section=section,
        title=title,
        x_label=x_label,
        y_label="share of right answers",
        series=tuple(
            Series(
                name=name or "right answers",
                x=tuple(float(x) for x in steps),
                y=tuple(share.value for _, share in shares),
                low=tuple(share.low for _, share in shares),
                high=tuple(share.high for _, share in shares),
            )
            for name, (steps, shares) in series.items()
        ),
    )


def _level(patches: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first energy of patches, each less its mean."""
    first = patches[:, 0]
    return np.asarray(first - first.mean(axis=(1, 2), keepdims=True))
