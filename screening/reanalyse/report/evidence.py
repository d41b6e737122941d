"""The evidence on one container: figures, pictures, measurements, flags and hashes."""

from __future__ import annotations

from screening.records import (
    CountMeasurement,
    ImageRegion,
    Material,
    RadiationMeasurements,
    RadiographMeasurements,
    RegionKind,
)

from .entries import Entry, ReportedScan
from .figures import profile_figure, spectrum_figure
from .markup import Content, Markup, join, tag
from .pictures import (
    LETTERED_REGIONS,
    REGION_COLOURS,
    density_picture,
    radiograph_picture,
    region_letter,
    scale_stops,
)
from .words import CATEGORY_WORDS, MODALITY_WORDS

__all__ = ["radiation_part", "radiograph_part", "record_part"]

NOT_MEASURED = "not measured"
EXERCISE_RULE = (
    "Flags of an exercise are UNKNOWN by rule where nothing was found: an exercise clears no cargo. "
    "The levels further up are those the same evidence would have in operation."
)


def radiation_part(scan: ReportedScan, level: Markup, *, name: str) -> Markup:
    """Return the evidence of one occupancy or spectrum.

    Parameters
    ----------
    scan : ReportedScan
        The scan.
    level : Markup
        Its level as a badge.
    name : str
        Unique in the page.

    Returns
    -------
    Markup
        The part.
    """
    measured = scan.measurements if isinstance(scan.measurements, RadiationMeasurements) else None
    profile = profile_figure(scan.products, measured, name=f"p{name}")
    spectrum = spectrum_figure(scan.products, measured, name=f"s{name}")
    figures = [
        tag("figure", figure, tag("figcaption", caption))
        for figure, caption in (
            (profile, "Counts per second over all panels; above the alarm threshold in red."),
            (
                spectrum,
                "Sum over panels and occupied time, in energy. Peaks of the named nuclides are marked.",
            ),
        )
        if figure is not None
    ]
    facts = _radiation_facts(measured) if measured is not None else None
    nuclides = _nuclide_table(measured) if measured is not None and measured.nuclides else None
    if len(figures) == 1:
        body = tag("div", *figures, tag("div", facts, nuclides), class_="pair")
    else:
        body = join(tag("div", *figures, class_="pair") if figures else None, facts, nuclides)
    title = "Radiation portal" if profile is not None else "Gamma spectrum"
    return tag("div", _part_head(title, level, scan), body, _scan_notes(scan), class_="part")


def radiograph_part(scan: ReportedScan, level: Markup, *, max_pixels: int) -> Markup:
    """Return the evidence of one radiograph.

    Parameters
    ----------
    scan : ReportedScan
        The scan.
    level : Markup
        Its level as a badge.
    max_pixels : int
        Size limit of the picture.

    Returns
    -------
    Markup
        The part.
    """
    measured = scan.measurements if isinstance(scan.measurements, RadiographMeasurements) else None
    picture = radiograph_picture(scan.products, measured, max_pixels=max_pixels)
    density = density_picture(scan.products, max_pixels=max_pixels // 4)
    shown = None
    if picture is not None:
        shown = tag("figure", picture.svg, tag("figcaption", _picture_caption(picture.unseen_fraction)))
    figures = _radiograph_facts(measured) if measured is not None else None
    regions = _region_table(measured) if measured is not None and measured.regions else None
    if density is None:
        second = join(figures, regions)
    else:
        second = tag("div", _density_figure(*density), tag("div", figures, regions), class_="pair second")
    return tag(
        "div",
        _part_head("Radiograph", level, scan),
        shown,
        second,
        _scan_notes(scan),
        class_="part",
    )


def record_part(entry: Entry) -> Markup | None:
    """Return the flags and hashes from which everything above can be derived again.

    Parameters
    ----------
    entry : Entry
        The container.

    Returns
    -------
    Markup or None
        None without any flag.
    """
    rows = []
    for scan in entry.scans:
        for flag in scan.flags:
            models = ", ".join(model.name for model in flag.pipeline.models)
            codes = " ".join(dict.fromkeys(reason.code.value for reason in flag.reasons))
            rows.append(
                tag(
                    "tr",
                    tag("td", MODALITY_WORDS[flag.modality]),
                    tag("td", flag.level.value),
                    tag("td", codes or "–", class_="mono"),
                    tag("td", flag.flag_id, class_="mono"),
                    tag("td", models or "–"),
                )
            )
    if not rows and entry.decision is None:
        return None
    heads = ("Flag", "Level", "Codes", "flag_id (sha256 of its content)", "Models")
    table = tag("table", tag("thead", tag("tr", *(tag("th", h) for h in heads))), tag("tbody", *rows))
    return tag(
        "div",
        tag("header", tag("h3", "Record")),
        tag("div", table, class_="scroll") if rows else None,
        tag("p", EXERCISE_RULE) if any(scan.is_exercise for scan in entry.scans) else None,
        tag("table", tag("tbody", *_hash_rows(entry))),
        class_="part record",
    )


def _hash_rows(entry: Entry) -> list[Markup]:
    rows: list[tuple[str, str]] = []
    flags = [flag for scan in entry.scans for flag in scan.flags]
    if entry.decision is not None:
        rows.append(("decision", entry.decision.decision_id))
        if entry.decision.key_id is not None:
            rows.append(("signed with key", entry.decision.key_id))
    inputs = dict.fromkeys((f"{i.kind} {i.uri}", i.sha256) for flag in flags for i in flag.inputs)
    rows.extend(inputs)
    models = dict.fromkeys((f"model {m.name}", m.sha256) for flag in flags for m in flag.pipeline.models)
    rows.extend(models)
    for name, attribute in (("configuration", "config_sha256"), ("thresholds", "threshold_sha256")):
        rows.extend((name, value) for value in dict.fromkeys(getattr(f.pipeline, attribute) for f in flags))
    return [tag("tr", tag("td", name), tag("td", value, class_="mono")) for name, value in rows]


def _part_head(title: str, level: Markup, scan: ReportedScan) -> Markup:
    meta = " · ".join(part for part in (scan.device, scan.place, scan.scan_id) if part)
    return tag("header", tag("h3", title), level, tag("span", meta, class_="meta"))


def _scan_notes(scan: ReportedScan) -> Markup | None:
    return tag("ul", *(tag("li", note) for note in scan.notes), class_="notes") if scan.notes else None


def _facts(pairs: list[tuple[str, Content]]) -> Markup:
    return tag(
        "div", *(tag("div", tag("span", name), tag("strong", value)) for name, value in pairs), class_="facts"
    )


def _radiation_facts(measured: RadiationMeasurements) -> Markup:
    pairs: list[tuple[str, Content]] = []
    for name, counts in (("gamma", measured.gamma), ("neutron", measured.neutron)):
        if counts is not None:
            pairs.append((f"{name} above background", join(_sigmas(counts.max_nsigma), _rates(counts))))
    if measured.detection_limit_mbq_cs137 is not None:
        pairs.append(("smallest alarm", _quantity(measured.detection_limit_mbq_cs137, "MBq of Cs-137")))
    if measured.anomaly is not None:
        score, threshold = measured.anomaly.score, measured.anomaly.threshold
        pairs.append(
            ("misfit of the spectrum", join(f"{score:.3g}", tag("small", f" limit {threshold:.3g}")))
        )
    if measured.resolution_662_percent is not None:
        pairs.append(("resolution at 662 keV", _quantity(measured.resolution_662_percent, "%")))
    return _facts(pairs)


def _sigmas(value: float | None) -> Content:
    if value is None:
        return tag("small", NOT_MEASURED)
    return join(f"{value:,.0f}" if value >= 100 else f"{value:.1f}", tag("small", " σ"))


def _rates(counts: CountMeasurement) -> Markup:
    highest = "rate not measured" if counts.max_cps is None else f"highest {_rate(counts.max_cps)} counts/s"
    over = "no background" if counts.background_cps is None else f"background {_rate(counts.background_cps)}"
    return join(tag("em", highest), tag("em", over))


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _nuclide_table(measured: RadiationMeasurements) -> Markup:
    rows = [
        tag(
            "tr",
            tag("td", tag("strong", found.nuclide)),
            tag("td", ", ".join(CATEGORY_WORDS[category] for category in found.categories)),
            tag("td", f"{found.confidence:.2f}", class_="number"),
            tag("td", f"{found.net_counts:,.0f}", class_="number"),
        )
        for found in measured.nuclides
    ]
    heads = tag(
        "tr",
        tag("th", "Nuclide"),
        tag("th", "Category"),
        tag("th", "Confidence", class_="number"),
        tag("th", "Net counts", class_="number"),
    )
    return tag("table", tag("thead", heads), tag("tbody", *rows), class_="small")


def _radiograph_facts(measured: RadiographMeasurements) -> Markup:
    quality = measured.quality
    complete = sum(box.complete for box in measured.containers)
    hulls = f"{len(measured.containers)}, {complete} complete" if measured.containers else "none found"
    return _facts(
        [
            ("containers", hulls),
            ("opaque", _share(measured.opaque_fraction)),
            ("could hide a threat", _share(measured.hideable_fraction)),
            ("empty, probability", _share(measured.empty_probability)),
            ("cargo, at least", _quantity(measured.cargo_mass_kg, "kg")),
            ("lines lost", f"{quality.lost_lines}"),
            ("dead rows", f"{len(quality.dead_rows)}"),
            ("noise in air", _share(quality.air_sigma)),
        ]
    )


def _region_table(measured: RadiographMeasurements) -> Markup:
    listed = measured.regions[:LETTERED_REGIONS]
    rows = [_region_row(region, region_letter(i)) for i, region in enumerate(listed)]
    n_more = len(measured.regions) - len(listed)
    more = tag("p", f"and {n_more} more in the record", class_="record") if n_more else None
    heads = tag("tr", *(tag("th", head) for head in ("", "Region", "Areal density", "Material", "Score")))
    return tag("div", tag("table", tag("thead", heads), tag("tbody", *rows), class_="small"), more)


def _region_row(region: ImageRegion, letter: str) -> Markup:
    density: Content = "–"
    if region.areal_density_g_cm2 is not None:
        bound = "> " if region.is_lower_bound else ""
        density = f"{bound}{region.areal_density_g_cm2:.0f} g/cm²"
    key = tag("span", letter, class_="key", style=f"background:{REGION_COLOURS[region.kind]}")
    material = "–" if region.material is None else _material(region.material)
    return tag(
        "tr",
        tag("td", key),
        tag("td", _kind(region.kind)),
        tag("td", density),
        tag("td", material),
        tag("td", f"{region.score:.2f}"),
    )


def _kind(kind: RegionKind) -> str:
    return {RegionKind.DENSE: "dense object", RegionKind.OPAQUE: "opaque"}.get(kind, kind.value)


def _material(material: Material) -> str:
    return "ambiguous" if material is Material.AMBIGUOUS else material.value.replace("-", " ")


def _density_figure(svg: Markup, highest: float) -> Markup:
    stops = ", ".join(f"{colour} {100 * at:.1f}%" for at, colour in scale_stops())
    return tag(
        "figure",
        svg,
        tag("div", class_="scale", style=f"background:linear-gradient(90deg, {stops})"),
        tag("div", tag("span", "0"), tag("span", f"{highest:.0f} g/cm² and more"), class_="scale-ends"),
        tag("figcaption", "Areal density as if everything were steel."),
    )


def _picture_caption(unseen_fraction: float) -> Markup:
    swatch = tag("span", class_="swatch", style="background:#f28e2b")
    return join(
        "Transmission, logarithmic: air is white. Dashed blue: hull of a container. ",
        swatch,
        f"never received or dead ({100 * unseen_fraction:.2f} % of the picture): unseen, never clear.",
    )


def _quantity(value: float | None, unit: str) -> Content:
    if value is None:
        return tag("small", NOT_MEASURED)
    digits = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return join(digits, tag("small", f" {unit}"))


def _share(value: float | None) -> Content:
    if value is None:
        return tag("small", NOT_MEASURED)
    percent = 100.0 * value
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"
