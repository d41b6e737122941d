"""How long a report takes when no detector has to be run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from screening.evaluate.answers import ANSWERS, AnswersHeader, AnswerWriter, StoredAnswer
from screening.evaluate.detectors import Candidate, DetectorAnswer
from screening.evaluate.record import DetectorTested, Evaluation, Provenance, joined
from screening.evaluate.report import write_report
from screening.evaluate.samples import Sample, TruthBox
from screening.evaluate.stored import evaluate_stored
from screening.records import Level

N_SCAN = 10_000
DETECTORS = ("first", "second", "third")
LABELS = ("Cs-137", "Co-60", "Am-241", "K-40", "Tc-99m", "HEU")


def _pass(i: int, has_source: bool, name: str, parent: str, rng: np.random.Generator) -> StoredAnswer:
    truth = (LABELS[i % len(LABELS)],) if has_source else ()
    score = float(rng.normal(3.0 * has_source))
    alarm = score > 3.0
    named = truth if alarm and rng.random() < 0.8 else ()
    return StoredAnswer(
        sample=Sample(id=f"s{i}", path=f"s{i}.h5", modality="radiation", truth_nuclides=truth, parent=parent,
                      has_source=has_source, level=Level.HIGH if has_source else Level.LOW,
                      group=f"g{i % 8}"),
        detector=name,
        answer=DetectorAnswer(level=Level.HIGH if alarm else Level.LOW, alarm=alarm, alarm_score=score,
                              nuclides=named, confidences={LABELS[i % 5]: float(rng.random())}),
        elapsed_s=float(rng.random()),
    )  # fmt: skip


def _picture(i: int, has_threat: bool, name: str, parent: str, rng: np.random.Generator) -> StoredAnswer:
    places = [(10, rng.random())] if has_threat and rng.random() < 0.7 else []
    places += [(int(row), 0.7 * rng.random()) for row in rng.integers(30, 100, rng.poisson(0.3))]
    found = tuple(Candidate(row0=r, col0=10, row1=r + 10, col1=20, score=float(s)) for r, s in places)
    boxes = (TruthBox(row0=10, col0=10, row1=20, col1=20, kind="object"),) if has_threat else ()
    loaded = float(1.0 / (1.0 + np.exp(-rng.normal(2.0 * has_threat - 1.0))))
    return StoredAnswer(
        sample=Sample(id=f"s{i}", path=f"s{i}.h5", modality="radiograph", is_empty=not has_threat,
                      has_threat=has_threat, parent=parent, boxes=boxes),
        detector=name,
        answer=DetectorAnswer(level=Level.LOW, is_loaded=loaded > 0.5, load_score=loaded, candidates=found,
                              threat_score=max((c.score for c in found), default=0.0),
                              has_threat=bool(found)),
        elapsed_s=float(rng.random()),
    )  # fmt: skip


@pytest.mark.parametrize("n_per_parent", [1, 10])
def test_bench_report_from_stored_answers(
    benchmark: BenchmarkFixture, tmp_path: Path, n_per_parent: int
) -> None:
    """10,000 scans of three detectors, half passes and half pictures: meant to take less than 30 s."""
    header = AnswersHeader(
        version="0", config_sha256="0", data="made", labels_sha256="0" * 64, split="test", n_rows=N_SCAN,
        n_scored=N_SCAN, n_other_splits={}, problems=(), ignored_columns=(),
        detectors=tuple(DetectorTested(name=name) for name in DETECTORS),
    )  # fmt: skip
    writer = AnswerWriter(tmp_path / ANSWERS, header)
    for number, name in enumerate(DETECTORS):
        for i in range(N_SCAN):
            rng = np.random.default_rng(np.random.SeedSequence([i, number]))
            make = _pass if i % 2 else _picture
            writer.add(make(i, i % 4 < 2, name, f"p{i // n_per_parent}", rng))
    writer.close()

    def report() -> Evaluation:
        part = evaluate_stored(tmp_path)
        evaluation = joined([part], title="stored answers", provenance=Provenance(version="0"))
        write_report(tmp_path / "report", evaluation)
        return evaluation

    evaluation = benchmark.pedantic(report, rounds=1)
    assert {"alarms", "identification", "localisation"} <= {section.id for section in evaluation.sections}
    assert len(evaluation.comparisons) >= 15
