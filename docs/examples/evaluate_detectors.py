"""Evaluate two detectors on the shipped samples and draw what came out, as cells of a notebook."""

# %% [markdown]
# # What are two detectors worth on the shipped samples?
#
# Open this file in an editor that knows `# %%` cells, or run it:
# `python docs/examples/evaluate_detectors.py OUT`. It needs the extra `report` and no network, takes a few
# seconds, and draws from the report that `screening evaluate` writes. The samples are few and simulated:
# they show how to read the figures, not how good a detector is.

# %%
from __future__ import annotations

import io
import json
import sys
from importlib.resources import files
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from screening.archive import read_scan
from screening.evaluate import run
from screening.evaluate.answers import read_answers
from screening.evaluate.displays import (
    ConfusionDisplay,
    CurveDisplay,
    DetDisplay,
    DetectionCurveDisplay,
    PictureDisplay,
    ReliabilityDisplay,
    RocDisplay,
    SpectrumDisplay,
)
from screening.evaluate.record import Box, PictureView
from screening.evaluate.report import compare, evaluation_table, markdown_table, read_report

samples = Path(str(files("screening.data_samples")))
out = Path(sys.argv[1] if len(sys.argv) > 1 else "report")
say = sys.stdout.write

# %% [markdown]
# ## Evaluate, and read the report back
# Every number of the page stands in `report.json`; `figures.csv` holds the same for a spreadsheet.

# %%
run(samples / "occupancies", out, detectors=["pipeline", "gross-counts"])
report = read_report(out)
say(evaluation_table(report, width=110))

# %% [markdown]
# A figure is found by its key. It always carries its trials and its interval.

# %%
asked_for = ("alarms", "alarm: sources detected", "")
detected = {f.detector: f for f in report.figures if (f.section, f.metric, f.stratum) == asked_for}
for name, figure in detected.items():
    say(
        f"{name}: {figure.k} of {figure.n:.0f} sources, 95 % interval {figure.low:.3f} to {figure.high:.3f}\n"
    )
say(markdown_table(detected.values(), report.detectors))

# %% [markdown]
# ## Draw a curve of the report, and one from the stored answers

# %%
answers = read_answers(out / "answers.jsonl")
figure, axes = plt.subplots(2, 2, figsize=(11, 8.5), layout="constrained")
roc_of_report = next(curve for curve in report.curves if curve.section == "alarms")
CurveDisplay.from_curve(roc_of_report).plot(axes[0, 0])

for name in ("gross-counts", "pipeline"):
    asked = [
        (row.answer.alarm_score, row.sample.has_source)
        for row in answers.rows
        if row.detector == name and row.answer is not None and row.answer.alarm_score is not None
    ]
    scores, truth = zip(*asked, strict=True)
    display = RocDisplay.from_scores(scores, truth, name=name)
    say(f"{name}: area {display.auc:.3f} over {len(scores)} scores\n")

# %% [markdown]
# ## What is taken for what
# Answers of the pipeline by the truth of each pass. No label is an answer too.

# %%
named = [
    (";".join(row.sample.truth_nuclides) or "none", ";".join(row.answer.nuclides) or "none")
    for row in answers.rows
    if row.detector == "pipeline"
    and row.has_spectra
    and row.sample.truth_nuclides is not None
    and row.answer is not None
    and row.answer.nuclides is not None
]
ConfusionDisplay.from_labels([truth for truth, _ in named], [answer for _, answer in named]).plot(axes[0, 1])

# %% [markdown]
# ## Detection against activity
# A plain counter, 1 s of background at 400 counts, alarm above 6 sigma: 400 passes at each activity, drawn
# here from a seed. The line is the fit whose point at 95 % is the minimum detectable activity.

# %%
rng = np.random.default_rng(np.random.SeedSequence(7))
activity_kbq = np.geomspace(50.0, 500.0, 11)
counts = rng.poisson(400.0 + 0.8 * activity_kbq[:, np.newaxis], (activity_kbq.size, 400))
n_alarm = ((counts - 400.0) / 20.0 > 6.0).sum(axis=1)
curve = DetectionCurveDisplay.from_counts(activity_kbq, n_alarm, 400, name="counter").plot(axes[1, 0])
say(f"minimum detectable activity at 95 %: {curve.mda:.0f} kBq\n")

# %% [markdown]
# ## Can a stated probability be believed?
# A detector that states more than comes true, made here from a seed.

# %%
stated = rng.uniform(0.0, 1.0, 2000)
came_true = rng.uniform(0.0, 1.0, 2000) < stated**1.6
ReliabilityDisplay.from_predictions(stated, came_true, name="too sure of itself").plot(axes[1, 1])
figure.savefig(out / "displays.png", dpi=110)

# %% [markdown]
# ## Normal deviates: small errors of both kinds on one picture

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
rng = np.random.default_rng(np.random.SeedSequence(8))
truth = np.repeat([False, True], 4000)
for name, distance in (("near", 1.5), ("far", 3.0)):
    DetDisplay.from_scores(rng.normal(truth * distance), truth, name=name).plot(axes[0])

# %% [markdown]
# ## Look at a sample: a spectrum and a picture with the truth on it

# %%
measured = next(
    scan
    for scan in (read_scan(path) for path in sorted((samples / "occupancies").glob("*.h5")))
    if scan.payload.spectra is not None and scan.payload.energy_edges_kev is not None
)
SpectrumDisplay.from_counts(
    measured.payload.energy_edges_kev[0],  # each panel has an energy scale of its own
    measured.payload.spectra[:, 0].sum(axis=0),
    title="a pass: first panel, all intervals",
).plot(axes[1])
figure.savefig(out / "deviates.png", dpi=110)

# %%
name = "scan-00003"
objects = json.loads((samples / "radiographs" / f"{name}.json").read_text(encoding="utf-8"))["objects"]
raw = read_scan(samples / "radiographs" / f"{name}.h5").payload.raw[:, :, 0].astype(float)
shade = np.log1p(raw)
buffer = io.BytesIO()
plt.imsave(buffer, shade, cmap="gray", format="png")
boxes = tuple(
    Box(row0=o["row0"], col0=o["col0"], row1=o["row1"], col1=o["col1"], kind="truth", label=o["label"])
    for o in objects
)
picture = PictureDisplay(PictureView(png=buffer.getvalue(), boxes=boxes), title=name).plot()
picture.figure_.savefig(out / "picture.png", dpi=110)

# %% [markdown]
# ## Has anything changed?
# A report against itself never regresses. Against an older one, `screening evaluate --baseline` says the
# same and ends with exit status 3 where a headline figure is significantly worse.

# %%
changes = compare(report, report)
say(f"{len(changes.headline)} headline figures, {len(changes.regressions)} regressions\n")
plt.close("all")
