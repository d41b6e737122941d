"""Reports made of random numbers: as large, as odd and as hostile as they come."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from screening.evaluate.metrics.proportions import clopper_pearson, garwood
from screening.evaluate.record import (
    Box,
    Comparison,
    Curve,
    DetectorTested,
    Evaluation,
    Exhibit,
    Figure,
    LeftOut,
    PictureView,
    Provenance,
    Section,
    Series,
    SpectrumView,
)

HOSTILE = "<script>alert('x')</script>\"&\x1b[31m"
NAMES = ("pipeline", "gross-counts", "nmf", "pca", "oracle", "third-party", "autoencoder", "scr")
TIERS = ("informed", "blind", "blind", "blind", "oracle", "", "blind", "blind")


def png(n_row, n_column, rng):
    """Return an 8-bit grey PNG with a block of cargo in front of air."""
    picture = np.full((n_row, n_column), 235.0)
    picture[n_row // 5 : -n_row // 6, n_column // 12 : -n_column // 10] = 90.0
    picture += rng.normal(0.0, 9.0, picture.shape)
    grey = np.clip(picture, 0, 255).astype(np.uint8)
    raw = b"".join(b"\x00" + row.tobytes() for row in grey)

    def _chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", n_column, n_row, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(raw))
        + _chunk(b"IEND", b"")
    )


def share(k, n, **key):
    low, high = clopper_pearson(k, n)
    return Figure(value=k / n, low=low, high=high, k=k, n=n, method="clopper-pearson", **key)


def frequency(k, exposure, unit, **key):
    low, high = (bound / exposure for bound in garwood(k))
    return Figure(
        value=k / exposure, low=low, high=high, k=k, n=exposure, unit=f"1/{unit}", method="garwood", **key
    )


def exact_intervals(k, n):
    """Return Clopper-Pearson bounds of arrays of counts."""
    from scipy import stats

    low = np.where(k == 0, 0.0, stats.beta.ppf(0.025, np.maximum(k, 0.5), n - k + 1))
    return low, np.where(k == n, 1.0, stats.beta.ppf(0.975, k + 1, np.maximum(n - k, 0.5)))


def made(*, n_detector=3, n_section=3, n_strata=20, n_metric=4, n_curve=4, n_exhibit=4, n_point=200, seed=0):
    """Return a report with every kind of row in it."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    detectors = tuple(
        DetectorTested(
            name=name,
            version="1.2",
            text=f"What {name} does.",
            tier=tier,
            models={"nuclides": "ab" * 32} if name == "pipeline" else {},
        )
        for name, tier in zip(NAMES[:n_detector], TIERS, strict=False)
    )
    figures, comparisons, sections = [], [], []
    for i in range(n_section):
        section = f"part-{i}"
        sections.append(
            Section(
                id=section,
                title=f"Passes of track {i}",
                text=("Share of passes with an alarm episode that overlaps the closest approach.",),
                data=f"simulated: seed {i % 3}, 400 passes an activity, settings of the portal",
            )
        )
        for m in range(n_metric):
            strata = ["", *(f"stratum {s:03d}, S/B 0.{s % 10}" for s in range(n_strata))]
            n = np.full((len(strata), n_detector), 400)
            k = rng.binomial(n, np.linspace(0.95, 0.7, n_detector))
            low, high = exact_intervals(k, n)
            for s, stratum in enumerate(strata):
                for d, detector in enumerate(detectors):
                    figures.append(
                        Figure(
                            section=section,
                            metric=f"probability of detection {m}",
                            detector=detector.name,
                            stratum=stratum,
                            value=float(k[s, d] / n[s, d]),
                            low=float(low[s, d]),
                            high=float(high[s, d]),
                            k=int(k[s, d]),
                            n=int(n[s, d]),
                            method="clopper-pearson",
                            better="higher",
                            is_headline=m == 0 and not stratum,
                        )
                    )
        for d, detector in enumerate(detectors):
            key = {"section": section, "detector": detector.name, "better": "lower"}
            figures.append(
                frequency(30 + d, 243.5, "hour", metric="false alarm rate", is_headline=True, **key)
            )
            figures.append(
                Figure(
                    metric="minimum detectable activity",
                    value=210.0 + 31.7 * d + i,
                    low=180.0 + 28.1 * d + i,
                    high=260.0 + 40.3 * d + i,
                    unit="kBq",
                    method="bootstrap over 200 parents",
                    is_headline=True,
                    note="not converged for Tl-201" if d == 1 else "",
                    **key,
                )
            )
            figures.append(Figure(metric="latency", value=3.217 + d, unit="ms", **key))
        figures.append(Figure(section=section, metric="coefficient of variation", value=0.1234))
        few = "none: 3 parents, 5 needed"
        figures.append(
            Figure(
                section=section, metric="weapons", detector=detectors[0].name, value=0.5, k=3, n=6, method=few
            )
        )
        for a in range(1, n_detector):
            p = float(rng.uniform(0.0, 0.02)) if a != 2 else 0.41
            comparisons.append(
                Comparison(
                    section=section,
                    metric="probability of detection 0",
                    a=detectors[a].name,
                    b=detectors[a - 1].name,
                    effect=-0.043,
                    low=-0.08,
                    high=-0.006,
                    p=p,
                    p_holm=min(1.0, p * n_detector),
                    n=400,
                    test="McNemar, exact",
                    effect_name="difference of shares",
                    verdict="b is better" if p * n_detector < 0.05 else "not distinguishable",
                )
            )
    curves = []
    for c in range(n_curve):
        grid = np.linspace(0.0, 1.0, n_point)
        kind = c % 4
        series = []
        for d, detector in enumerate(detectors):
            power = 0.1 + 0.08 * d
            if kind == 0:
                y = grid**power
                low, high = np.clip(y - 0.04, 0, 1), np.clip(y + 0.03, 0, 1)
                series.append(_series(detector.name, grid, y, low, high, "step"))
            elif kind == 1:
                x = np.logspace(-4, 0, n_point)
                series.append(_series(detector.name, x, x**power, style="line"))
            elif kind == 2:
                x = np.logspace(-4, -0.3, n_point)
                series.append(_series(detector.name, x, np.clip(1 - x**power, 1e-4, 1 - 1e-4)))
            else:
                x = np.logspace(1, 3.3, 12)
                y = 1 / (1 + np.exp(-(np.log(x) - 5 - 0.3 * d) * 2))
                series.append(_series(detector.name, x, y, y * 0.93, y + (1 - y) * 0.1, "points"))
                fine = np.logspace(1, 3.3, 60)
                fit = 1 / (1 + np.exp(-(np.log(fine) - 5 - 0.3 * d) * 2))
                series.append(_series(f"{detector.name}, fit", fine, fit))
        x_scale, y_scale = (("linear", "linear"), ("log", "linear"), ("probit", "probit"), ("log", "linear"))[
            kind
        ]
        labels = (
            ("false alarm probability", "probability of detection"),
            ("false alarms per picture", "share of objects found"),
            ("false alarm probability", "probability of a miss"),
            ("activity, kBq", "probability of detection"),
        )[kind]
        curves.append(
            Curve(
                section=f"part-{c % n_section}",
                title=("ROC", "FROC", "DET", "Detection against activity")[kind] + f" {c}",
                x_label=labels[0],
                y_label=labels[1],
                series=tuple(series),
                x_scale=x_scale,
                y_scale=y_scale,
            )
        )
    exhibits = []
    for e in range(n_exhibit):
        key = {
            "section": f"part-{e % n_section}",
            "detector": detectors[e % n_detector].name,
            "sample": f"s-{e}",
        }
        if e % 2:
            boxes = (
                Box(row0=30, col0=60, row1=60, col1=100, kind="truth", label="steel, 2 kg"),
                Box(row0=28, col0=58, row1=62, col1=104, kind="hit", label="dense 0.93"),
                Box(row0=90, col0=180, row1=120, col1=230, kind="false alarm", label="dense 0.41"),
                Box(row0=70, col0=260, row1=84, col1=290, kind="missed", label="lead, 0.5 kg"),
            )
            picture = PictureView(png=png(150, 340, rng), boxes=boxes)
            exhibits.append(
                Exhibit(title="Missed: lead, 0.5 kg", text="In front of the doors.", picture=picture, **key)
            )
        else:
            edges = np.linspace(30.0, 3000.0, 513)
            middle = 0.5 * (edges[1:] + edges[:-1])
            model = (
                300.0 * np.exp(-middle / 400.0) + 80.0 * np.exp(-0.5 * ((middle - 662.0) / 20.0) ** 2) + 0.2
            )
            view = SpectrumView(
                energy_kev=tuple(edges.tolist()),
                counts=tuple(rng.poisson(model).astype(float).tolist()),
                model=tuple(model.tolist()),
                model_name="background and Cs-137",
            )
            exhibits.append(
                Exhibit(title="Missed: Cs-137", text="Named Co-60 instead.", spectrum=view, **key)
            )
    left_out = (
        LeftOut(kind="missing scan", where="row 12", text="gone.h5 is not there"),
        LeftOut(kind="missing scan", where="row 13", text="away.h5 is not there"),
        LeftOut(kind="other split", where="labels.csv", text="rows of train", n=120, is_error=False),
    )
    provenance = Provenance(
        version="0.1.0",
        config_sha256="12" * 32,
        command="screening evaluate DATASET",
        data={"labels": "cd" * 32},
        seeds={"passes": 7},
        machine={"processor": "made up", "cores": "2", "Python": "CPython 3.11.7"},
        made_utc="2026-01-01T08:00:00Z",
        elapsed_s=12.5,
    )
    return Evaluation(
        title="Weak sources on track S",
        provenance=provenance,
        sections=tuple(sections),
        detectors=detectors,
        figures=tuple(figures),
        curves=tuple(curves),
        comparisons=tuple(comparisons),
        exhibits=tuple(exhibits),
        left_out=left_out,
    )


def _series(name, x, y, low=(), high=(), style="line"):
    values = (tuple(np.asarray(v, dtype=float).tolist()) for v in (x, y, low, high))
    x, y, low, high = values
    return Series(name=name, x=x, y=y, low=low, high=high, style=style)
