"""Whether the card of the shipped model states what the shipped code does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from screening.classifiers import load_model
from screening.config import Settings
from screening.errors import ModelError
from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.record import DetectorTested, Figure, LeftOut, Part, Section, figure_of
from screening.work import Job

from .plan import BenchPlan, parent_plans, parent_seeds

__all__ = ["SECTION", "card_jobs", "card_part", "run_card_trials"]

SECTION = "identification-card"

#: Spectra in one job.
_PER_JOB = 20

#: Words of a stream's state that are compared: 128 bits, as the generators are seeded with.
_N_WORD = 4


def card_jobs(plan: BenchPlan, settings: Settings) -> list[Job]:
    """Return the jobs that make the card's test again.

    Parameters
    ----------
    plan : BenchPlan
        How many trials of each part.
    settings : Settings
        Which model.

    Returns
    -------
    list of Job
        None where no model is to be had.
    """
    from screening.training.nuclides_card import card_split

    try:
        seed = _model(settings).card.training.seed
    except ModelError:
        return []
    jobs = []
    for part in ("sources", "backgrounds"):
        n = len(card_split(seed, part).seeds)
        n = n if plan.n_card is None else min(n, plan.n_card)
        for start in range(0, n, _PER_JOB):
            arguments = {
                "part": part,
                "start": start,
                "stop": min(start + _PER_JOB, n),
                "settings": msgspec.to_builtins(settings),
            }
            jobs.append(Job(f"card {part} {start:06d}", {"stage": "card", "arguments": arguments}))
    return jobs


def run_card_trials(
    part: Literal["sources", "backgrounds"], start: int, stop: int, settings: dict[str, Any]
) -> bytes:
    """Identify some spectra of the card's test. What a worker process does.

    Parameters
    ----------
    part : {"sources", "backgrounds"}
        Which part of the test.
    start, stop : int
        Which spectra of it, half-open.
    settings : dict
        Settings as plain values.

    Returns
    -------
    bytes
        JSON: the part, and its trials.
    """
    from screening.radiation.identify import Identifier
    from screening.training.nuclides_card import card_split, split_trials

    model = _model(msgspec.convert(settings, Settings))
    split = card_split(model.card.training.seed, part)
    trials = split_trials(Identifier(model), split, start=start, stop=stop)
    return msgspec.json.encode([part, trials])


def card_part(values: list[bytes], plan: BenchPlan, settings: Settings, *, seed: int) -> Part:
    """Return each figure of the card beside the one made again, and whether any test spectrum was trained on.

    Parameters
    ----------
    values : list of bytes
        Of the jobs.
    plan : BenchPlan
        The plan.
    settings : Settings
        Which model.
    seed : int
        Of the bench.

    Returns
    -------
    Part
        One section. A figure that differs is named under what was left out; it is an error when it lies
        outside the interval that the card states.
    """
    from screening.training.nuclides_card import training_streams
    from screening.training.nuclides_trial import Trial, figures

    try:
        model = _model(settings)
    except ModelError as error:
        return Part(
            sections=(_section("no model could be loaded"),),
            left_out=(LeftOut(kind="no model", where="nuclides", text=str(error)),),
        )
    trials: dict[str, list[Trial]] = {"sources": [], "backgrounds": []}
    for value in values:
        part, some = msgspec.json.decode(value, type=tuple[str, list[Trial]])
        trials[part] += some
    card = model.card
    is_whole = plan.n_card is None
    again = {row["metric"]: row for row in figures(trials["sources"], trials["backgrounds"])}
    rows: list[Figure] = []
    left_out: list[LeftOut] = []
    for stated in card.performance:
        stratum = f"card {card.version}"
        rows.append(
            Figure(
                section=SECTION,
                metric=stated.metric,
                detector="nuclides",
                stratum=stratum,
                value=stated.value,
                low=stated.low,
                high=stated.high,
                confidence=stated.confidence,
                k=round(stated.value * stated.n),
                n=float(stated.n),
                method=stated.method,
                note="as the card states it",
            )
        )
        found = again.get(stated.metric)
        if found is None:
            left_out.append(
                LeftOut(
                    kind="card figure not made again",
                    where=stated.metric,
                    text="no spectrum of the test belongs to it",
                    is_error=is_whole,
                )
            )
            continue
        k = round(found["value"] * found["n"])
        share = proportion([True] * k + [False] * (found["n"] - k))
        differs = is_whole and (found["n"], k) != (stated.n, round(stated.value * stated.n))
        rows.append(
            figure_of(
                share,
                section=SECTION,
                metric=stated.metric,
                detector="nuclides",
                stratum="made again",
                note="differs from the card" if differs else "",
            )
        )
        if differs:
            left_out.append(
                LeftOut(
                    kind="card differs",
                    where=stated.metric,
                    text=f"the card states {stated.value:.4f} of {stated.n}, made again {found['value']:.4f} "
                    f"of {found['n']}",
                    is_error=not stated.low <= found["value"] <= stated.high,
                )
            )
    n_shared, n_stream = _shared_streams(plan, seed, card.training.seed, training_streams)
    rows.append(
        Figure(
            section=SECTION,
            metric="streams of the bench that training drew from",
            value=float(n_shared),
            k=n_shared,
            n=float(n_stream),
            unit="streams",
            method="128 bits of state of each random stream compared",
            better="lower",
        )
    )
    if n_shared:
        left_out.append(
            LeftOut(kind="trained on", where="identification", text=f"{n_shared} test streams", n=n_shared)
        )
    note = "" if is_whole else f"the first {plan.n_card} spectra of each part only: not the card's test"
    return Part(
        sections=(_section(note),),
        detectors=(
            DetectorTested(
                name="nuclides",
                version=card.version,
                text="physics fit and network, without the gates of the pipeline",
                models={card.name: card.sha256},
            ),
        ),
        figures=tuple(rows),
        left_out=tuple(left_out),
        data={"nuclides model": card.sha256},
        seeds={"nuclides training": card.training.seed},
    )


def _section(note: str) -> Section:
    return Section(
        id=SECTION,
        title="The model card, made again",
        text=(
            "Every figure of the card of the shipped model beside the same figure, made again from the seed "
            "that the card states with the code as it is now. Scored as the card scores, with kin of a label "
            "counted as the label; not by the table of correspondence that the other sections use.",
            *((note,) if note else ()),
        ),
        data="simulated test split of the model card",
    )


def _shared_streams(plan: BenchPlan, seed: int, training_seed: int, streams: Any) -> tuple[int, int]:
    trained = {tuple(stream.generate_state(_N_WORD).tolist()) for stream in streams(training_seed)}
    mine = []
    for one in parent_plans(plan):
        root = parent_seeds(seed, one.number)
        mine += [root, *root.spawn(4)]
    shared = sum(tuple(stream.generate_state(_N_WORD).tolist()) in trained for stream in mine)
    return shared, len(mine)


def _model(settings: Settings) -> Any:
    folder = None if settings.models.folder is None else Path(settings.models.folder)
    return load_model("nuclides", folder=folder, allowed=settings.models.allowed)
