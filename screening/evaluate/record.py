"""The record evaluation/2: every figure of a report once, with its trials, its interval and its data.

A report is a list of sections; each figure, curve, comparison and exhibit names the section it stands in.
The pages, the tables and the files for machines are all made from these rows and from nothing else, so that
what is printed is what is stored.
"""

from __future__ import annotations

import inspect
from collections import Counter
from typing import Any, Literal

import msgspec

from .metrics.proportions import Proportion, Rate

__all__ = [
    "Box",
    "Comparison",
    "Curve",
    "DetectorTested",
    "Evaluation",
    "Exhibit",
    "Figure",
    "LeftOut",
    "Part",
    "PictureView",
    "Provenance",
    "Section",
    "Series",
    "SpectrumView",
    "evaluation_schema",
    "figure_of",
    "joined",
]

Better = Literal["higher", "lower", ""]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A heading of the report, and what must be known to read its figures.

    Attributes
    ----------
    id : str
        Unique, stable from one version to the next: "alarms", "track-s".
    title : str
        For people.
    text : tuple of str
        Paragraphs: what is measured, after which definition.
    data : str
        Which data the figures come from: measured or simulated, seeds, settings, split.
    """

    id: str
    title: str
    text: tuple[str, ...] = ()
    data: str = ""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number. Section, metric, detector and stratum together are its key.

    Attributes
    ----------
    section, metric, detector, stratum : str
        Where it stands, what it is, whose it is ("" for a figure of the data), and of which part of
        the data ("" for all): a nuclide, a scanner, "300 net counts, S/B 0.3".
    value : float or None
        The number; None when it could not be had, with the reason in `note`.
    low, high : float or None
        Interval.
    confidence : float
        Of the interval.
    k : int or None
        Successes or events.
    n : float or None
        Trials, or exposure.
    unit : str
        "" for a share, else "1/h", "kBq", "kg", "ms"; "verdict" for 1 pass, 0 fail, None inconclusive.
    method : str
        Of the interval: "clopper-pearson", "bootstrap over 40 parents", "none: 3 parents, 5 needed".
    better : {"higher", "lower", ""}
        Which way is good; "" when neither: such a figure never counts as a regression.
    is_headline : bool
        Shown in the first table and in the terminal.
    note : str
        What must be said beside it.
    """

    section: str
    metric: str
    detector: str = ""
    stratum: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    k: int | None = None
    n: float | None = None
    unit: str = ""
    method: str = ""
    better: Better = ""
    is_headline: bool = False
    note: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Section, metric, detector and stratum."""
        return self.section, self.metric, self.detector, self.stratum


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a curve.

    Attributes
    ----------
    name : str
        The detector, or what it is.
    x, y : tuple of float or None
        Points; None leaves a gap.
    low, high : tuple of float or None
        Band around y, of the same length; empty without one.
    style : {"line", "step", "points"}
        How it is drawn.
    """

    name: str
    x: tuple[float | None, ...]
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    style: Literal["line", "step", "points"] = "line"


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of numbers.

    Attributes
    ----------
    section, title : str
        Where it stands, and its heading.
    x_label, y_label : str
        With units.
    x_scale, y_scale : {"linear", "log", "probit"}
        Axes; a DET curve has two of "probit".
    series : tuple of Series
        Lines.
    """

    section: str
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_scale: Literal["linear", "log", "probit"] = "linear"
    y_scale: Literal["linear", "log", "probit"] = "linear"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two detectors on the same samples.

    Attributes
    ----------
    section, metric, stratum : str
        As in :class:`Figure`.
    a, b : str
        Detectors; the effect is of `a` over `b`.
    effect : float or None
        The difference a - b, or what `effect_name` says.
    effect_name : str
        What the effect is: "difference of shares", "1 - ratio of minimum detectable activities".
    low, high : float or None
        Its interval.
    p, p_holm : float or None
        Two-sided p-value, alone and corrected over the comparisons of its family.
    n : int
        Samples both answered for.
    test : str
        "McNemar, exact", "DeLong", "bootstrap over 40 parents".
    verdict : {"a is better", "b is better", "not distinguishable", "not tested"}
        At the confidence level, after correction.
    """

    section: str
    metric: str
    stratum: str = ""
    a: str
    b: str
    effect: float | None
    effect_name: str = "difference"
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    n: int = 0
    test: str = ""
    verdict: Literal["a is better", "b is better", "not distinguishable", "not tested"] = "not tested"


class SpectrumView(msgspec.Struct, frozen=True, kw_only=True):
    """A spectrum to look at.

    Attributes
    ----------
    energy_kev : tuple of float
        Edges of the bins, one more than counts.
    counts : tuple of float
        As measured.
    model : tuple of float
        What the detector fitted, or the background, of the same length; empty without one.
    model_name : str
        What the second line is.
    """

    energy_kev: tuple[float, ...]
    counts: tuple[float, ...]
    model: tuple[float, ...] = ()
    model_name: str = ""


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A box on a picture, half-open, in pixels of the picture shown.

    Attributes
    ----------
    row0, col0, row1, col1 : float
        Corners.
    kind : {"truth", "hit", "false alarm", "missed", "ignored"}
        Drawn in the colour of its kind.
    label : str
        Written beside it.
    """

    row0: float
    col0: float
    row1: float
    col1: float
    kind: Literal["truth", "hit", "false alarm", "missed", "ignored"]
    label: str = ""


class PictureView(msgspec.Struct, frozen=True, kw_only=True):
    """A picture to look at: a rendering for people, never an input of a detector.

    Attributes
    ----------
    png : bytes
        8-bit PNG, at most a few hundred pixels high.
    boxes : tuple of Box
        Truth and candidates.
    """

    png: bytes
    boxes: tuple[Box, ...] = ()


class Exhibit(msgspec.Struct, frozen=True, kw_only=True):
    """One sample to look at: usually a failure.

    Attributes
    ----------
    section, detector, sample : str
        Where it stands, whose answer, and of which sample.
    title, text : str
        What went wrong, in one line and in a few.
    spectrum : SpectrumView or None
        Its spectrum.
    picture : PictureView or None
        Its picture.
    """

    section: str
    detector: str
    sample: str
    title: str
    text: str = ""
    spectrum: SpectrumView | None = None
    picture: PictureView | None = None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was asked for and not measured, or does not fit together.

    Attributes
    ----------
    kind : str
        Its class: "missing scan", "duplicate id", "not a number", "trained on".
    where, text : str
        The sample, row or file; one line for a person.
    n : int
        How many samples it stands for.
    is_error : bool
        Whether the run ends with exit status 1 for it.
    """

    kind: str
    where: str
    text: str
    n: int = 1
    is_error: bool = True


class DetectorTested(msgspec.Struct, frozen=True, kw_only=True):
    """A detector under test.

    Attributes
    ----------
    name, version, text : str
        What it calls itself, its version, one line of what it does.
    tier : {"blind", "informed", "oracle", "reference", ""}
        Only detectors of one tier are ranked against each other.
    models : dict of str to str
        sha256 of each model it used, by name.
    """

    name: str
    version: str = ""
    text: str = ""
    tier: Literal["blind", "informed", "oracle", "reference", ""] = ""
    models: dict[str, str] = {}


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """What made a report. Nothing here is compared with a baseline.

    Attributes
    ----------
    version : str
        Of this software.
    config_sha256 : str
        Of the settings.
    command : str
        As it was given, without paths.
    data : dict of str to str
        sha256 of labels, recipes or stored scores, by name.
    seeds : dict of str to int
        By what they seed.
    machine : dict of str to str
        Processor, cores, system, Python and library versions.
    made_utc : str
        When, ISO 8601.
    elapsed_s : float
        How long it took.
    """

    version: str
    config_sha256: str = ""
    command: str = ""
    data: dict[str, str] = {}
    seeds: dict[str, int] = {}
    machine: dict[str, str] = {}
    made_utc: str = ""
    elapsed_s: float = 0.0


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one bench adds to a report.

    Attributes
    ----------
    sections, detectors, figures, curves, comparisons, exhibits, left_out : tuple
        As in :class:`Evaluation`.
    data : dict of str to str
        Hashes for the provenance.
    seeds : dict of str to int
        Seeds for the provenance.
    """

    sections: tuple[Section, ...] = ()
    detectors: tuple[DetectorTested, ...] = ()
    figures: tuple[Figure, ...] = ()
    curves: tuple[Curve, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    data: dict[str, str] = {}
    seeds: dict[str, int] = {}


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """A whole evaluation.

    Attributes
    ----------
    schema : {"evaluation/2"}
        Version of this record.
    title : str
        For people.
    provenance : Provenance
        What made it.
    sections : tuple of Section
        In the order of the report.
    detectors : tuple of DetectorTested
        Under test.
    figures : tuple of Figure
        Every number; keys are unique.
    curves : tuple of Curve
        Pictures of numbers.
    comparisons : tuple of Comparison
        Between detectors on the same samples.
    exhibits : tuple of Exhibit
        Samples to look at.
    left_out : tuple of LeftOut
        What was not measured, and why.
    """

    title: str
    provenance: Provenance
    sections: tuple[Section, ...]
    detectors: tuple[DetectorTested, ...]
    figures: tuple[Figure, ...]
    curves: tuple[Curve, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    schema: Literal["evaluation/2"] = "evaluation/2"

    @property
    def exit_status(self) -> int:
        """0; 1 when data do not fit together or something failed."""
        return int(any(item.is_error for item in self.left_out))


def figure_of(
    found: Proportion | Rate,
    *,
    section: str,
    metric: str,
    detector: str = "",
    stratum: str = "",
    better: Better = "",
    is_headline: bool = False,
    note: str = "",
) -> Figure:
    """Return a share or a rate as a figure.

    Parameters
    ----------
    found : Proportion or Rate
        The number with its trials and its interval.
    section, metric, detector, stratum : str
        Its key.
    better : {"higher", "lower", ""}
        Which way is good.
    is_headline : bool
        Shown in the first table.
    note : str
        What must be said beside it.

    Returns
    -------
    Figure
        The same number.
    """
    is_rate = isinstance(found, Rate)
    return Figure(
        section=section,
        metric=metric,
        detector=detector,
        stratum=stratum,
        value=found.value,
        low=found.low,
        high=found.high,
        confidence=found.confidence,
        k=found.n if isinstance(found, Rate) else found.k,
        n=found.exposure if isinstance(found, Rate) else found.n,
        unit=f"1/{found.unit}" if isinstance(found, Rate) else "",
        method="garwood" if is_rate else found.method,  # type: ignore[union-attr]
        better=better,
        is_headline=is_headline,
        note=note,
    )


def joined(parts: list[Part], *, title: str, provenance: Provenance) -> Evaluation:
    """Return one report of several parts.

    Parameters
    ----------
    parts : list of Part
        In the order of the report.
    title : str
        For people.
    provenance : Provenance
        What made it; hashes and seeds of the parts are added.

    Returns
    -------
    Evaluation
        The report.

    Raises
    ------
    ValueError
        If two figures have one key, or something stands in a section that is not there.
    """
    sections = {section.id: section for part in parts for section in part.sections}
    detectors = {detector.name: detector for part in parts for detector in part.detectors}
    figures = [figure for part in parts for figure in part.figures]
    keys = [figure.key for figure in figures]
    twice = [key for key, n in Counter(keys).items() if n > 1]
    if twice:
        raise ValueError(f"two figures have the key {twice[0]}")
    stands_in = [
        *(figure.section for figure in figures),
        *(curve.section for part in parts for curve in part.curves),
        *(comparison.section for part in parts for comparison in part.comparisons),
        *(exhibit.section for part in parts for exhibit in part.exhibits),
    ]
    lost = [name for name in stands_in if name not in sections]
    if lost:
        raise ValueError(f"no section {lost[0]!r}; there are: {', '.join(sections)}")
    data = {name: value for part in parts for name, value in part.data.items()}
    seeds = {name: value for part in parts for name, value in part.seeds.items()}
    return Evaluation(
        title=title,
        provenance=msgspec.structs.replace(
            provenance, data={**provenance.data, **data}, seeds={**provenance.seeds, **seeds}
        ),
        sections=tuple(sections.values()),
        detectors=tuple(detectors.values()),
        figures=tuple(figures),
        curves=tuple(curve for part in parts for curve in part.curves),
        comparisons=tuple(item for part in parts for item in part.comparisons),
        exhibits=tuple(item for part in parts for item in part.exhibits),
        left_out=tuple(item for part in parts for item in part.left_out),
    )


def evaluation_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``report.json``.

    Returns
    -------
    dict
        JSON Schema 2020-12.
    """
    schema = msgspec.json.schema(Evaluation)
    for definition in schema.get("$defs", {}).values():
        if "description" in definition:  # interpreters differ in how they indent docstrings
            definition["description"] = inspect.cleandoc(definition["description"]).partition("\n")[0]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "evaluation/2", **schema}
