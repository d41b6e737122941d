"""The bench of radiographs: threats, what cannot be seen, empty containers, the model's card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from screening import __version__
from screening.classifiers import load_model
from screening.config import Settings, settings_sha256
from screening.errors import ConfigurationError, ModelError
from screening.evaluate.detectors import capabilities_of, load_detectors
from screening.evaluate.detectors.registry import registered_names
from screening.evaluate.record import DetectorTested, LeftOut, Part
from screening.work import Ledger, Progress, run_jobs

from .card_scenes import MODEL
from .jobs import FULL, SHORT, planned

__all__ = ["BENCH_VERSION", "WHAT", "run_bench"]

#: Of the definitions and recipes of this bench: changed figures of one seed need another number.
BENCH_VERSION = "radiograph/2"

WHAT = "radiograph"

#: What detectors are asked: where objects are, and whether a container is loaded.
QUESTIONS = ("candidates", "loaded")

#: Longest time for one job, seconds: a scene takes a few.
DEADLINE_S = 900.0

#: Said of every figure of the short form.
NO_MEASURE = "short form: no measure"

#: What is reported beside the detectors and is none.
REFERENCES = (
    DetectorTested(
        name="matched filter",
        text="ideal observer of a known object at a known place before a known background, in noise alone",
        tier="oracle",
    ),
    DetectorTested(
        name="noise bound", text="the same for hidden loads: the mass that noise alone allows", tier="oracle"
    ),
)

_TARGET = "screening.evaluate.radiographs.jobs:run_job"


def run_bench(
    work_dir: Path,
    *,
    what: str = WHAT,
    detectors: list[str] | None = None,
    settings: Settings | None = None,
    is_short: bool = False,
    workers: int = 1,
    is_resumed: bool = False,
    seed: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
) -> Part:
    """Run the bench; see :class:`screening.evaluate.presets.Bench`.

    Parameters
    ----------
    work_dir : Path
        Folder of its own, for results that a resumed run goes on with.
    what : str
        "radiograph" is all there is.
    detectors : list of str or None
        Registered names; None for all that answer pictures.
    settings : Settings, optional
        Handed to detectors.
    is_short : bool
        A form of under a minute on one core: its figures are marked as no measure.
    workers : int
        Processes; their number changes no figure but latencies.
    is_resumed : bool
        Go on with what `work_dir` holds of the same bench, form and seed.
    seed : int
        Of everything random.
    progress : callable or None
        Called with steps done, of all, and what is being done.

    Returns
    -------
    Part
        Sections "threats", "opaque", "empties", "card-empties", "image-quality" and "cost-pictures".

    Raises
    ------
    ConfigurationError
        If `what` or a detector is unknown, or `work_dir` holds another run and is to be resumed.
    """
    if what != WHAT:
        raise ConfigurationError(f"no bench {what!r} of radiographs; there is: {WHAT}", value=what)
    chosen = settings or Settings()
    names, tested, unasked = _choose(detectors, chosen)
    card_seed = _card_seed(chosen)
    sizes = SHORT if is_short else FULL
    jobs = planned(
        sizes,
        settings=msgspec.json.encode(chosen, order="deterministic").decode(),
        detectors=names,
        seed=seed,
        card_seed=card_seed,
    )
    work_dir.mkdir(parents=True, exist_ok=True)
    path = work_dir / "radiograph.ledger"
    if not is_resumed:
        for old in work_dir.glob(path.name + "*"):
            old.unlink()
    identity = {
        "bench": BENCH_VERSION,
        "version": __version__,
        "configuration": settings_sha256(chosen),
        "detectors": " ".join(f"{one.name} {one.version}" for one in tested),
        "form": "short" if is_short else "full",
        "seed": str(seed),
    }
    say = progress or (lambda _done, _of, _text: None)

    def _report(step: Progress) -> None:
        done = step.counts.done + step.counts.failed
        say(done, step.counts.total, step.key + (f": {step.note}" if step.note else ""))

    with Ledger(path, identity) as ledger:
        ledger.add(jobs)
        ledger.keep_only([job.key for job in jobs])
        run_jobs(ledger, _TARGET, workers=workers, deadline_s=DEADLINE_S, progress=_report)
        results = dict(sorted((result.key.partition("/")[2], result.value) for result in ledger.results()))
        failures = list(ledger.failures())
    left_out = unasked + [
        LeftOut(kind="job failed", where=failure.key, text=f"{failure.cause}: {failure.error}")
        for failure in failures
    ]
    return _assembled(results, left_out, tested, names, chosen, seed=seed, is_short=is_short)


def _choose(
    wanted: list[str] | None, settings: Settings
) -> tuple[dict[str, list[str]], list[DetectorTested], list[LeftOut]]:
    """Return the detectors of each question by their registered names, and what they say of themselves."""
    names: dict[str, list[str]] = {question: [] for question in QUESTIONS}
    tested, left = [], []
    for name in registered_names() if wanted is None else dict.fromkeys(wanted):
        found = load_detectors([name], settings, capabilities=("radiograph",))
        if not found:
            if wanted is not None:
                left.append(LeftOut(kind="not asked", where=name, text="answers no picture", is_error=False))
            continue
        one = found[0]
        can = capabilities_of(one)
        for question in QUESTIONS:
            if can is None or question in can:
                names[question].append(name)
        tested.append(
            DetectorTested(
                name=name,
                version=str(getattr(one, "version", "")),
                text=str(getattr(one, "text", "")),
                tier=getattr(one, "tier", ""),
                models=dict(getattr(one, "models", {})),
            )
        )
    if not tested:
        raise ConfigurationError("no detector that answers pictures", value=wanted)
    return names, tested, left


def _card_seed(settings: Settings) -> int:
    folder = Path(settings.models.folder) if settings.models.folder is not None else None
    try:
        return load_model(MODEL, folder=folder, allowed=settings.models.allowed).card.training.seed
    except ModelError:  # each card job says so by itself
        return 1


def _assembled(
    results: dict[str, bytes],
    left_out: list[LeftOut],
    tested: list[DetectorTested],
    names: dict[str, list[str]],
    settings: Settings,
    *,
    seed: int,
    is_short: bool,
) -> Part:
    """Return the part of the report that the results make."""
    from .asking import asked_detectors
    from .card import card_part
    from .card_scenes import CardRow
    from .compare import compare_empties, compare_threats
    from .cost import cost_part
    from .empties import empties_part
    from .empty_exhibits import empty_exhibits
    from .empty_scenes import EmptyRow
    from .exhibits import exhibits_of
    from .opaque import opaque_part
    from .opaque_scenes import MaskedRow, OpaqueRow
    from .rows import PictureRow
    from .scored import scored_detectors
    from .threats import threats_part

    def _rows(prefix: str, kind: Any) -> list[Any]:
        found = (value for key, value in results.items() if key.startswith(prefix))
        return [msgspec.msgpack.decode(value, type=kind) for value in found]

    def _flat(prefix: str, kind: Any) -> list[Any]:
        return [row for rows in _rows(prefix, list[kind]) for row in rows]

    pictures = {split: _flat(f"threat/{split}/", PictureRow) for split in ("validation", "test")}
    empties = {split: _rows(f"empty/{split}/", EmptyRow) for split in ("validation", "test", "full")}
    loads = _rows("load/", EmptyRow)
    scored, lost = scored_detectors(pictures["validation"], pictures["test"], names["candidates"])
    asked, _ = asked_detectors(empties["validation"], names["loaded"])
    sizes = SHORT if is_short else FULL
    for split, n_each in (("validation", 3), ("test", 3 + sizes.n_projected)):
        n_scene = sum(key.startswith(f"threat/{split}/") for key in results)
        lost += _not_made(split, n_scene * n_each - len(pictures[split]))
    parts = [
        threats_part(scored, lost, seed=seed),
        opaque_part(_rows("opaque/", OpaqueRow), _rows("masked/", MaskedRow), seed=seed),
        empties_part(
            empties["validation"],
            empties["test"],
            empties["full"],
            loads,
            names["loaded"],
            seed=seed,
            is_short=is_short,
        ),
        _card(settings, _flat("card/", CardRow), card_part, is_whole=not is_short),
        *_rows("quality/", Part),
        cost_part([*pictures["validation"], *pictures["test"]], [*empties["test"], *loads]),
        Part(
            detectors=(*tested, *REFERENCES),
            comparisons=(
                *compare_threats(scored, seed=seed),
                *compare_empties(asked, empties["test"], loads, seed=seed),
            ),
            exhibits=(
                *exhibits_of(scored, seed=seed, n_projected=sizes.n_projected, n_each=1 if is_short else 6),
                *empty_exhibits(asked, empties["test"], loads, seed=seed, n_each=1 if is_short else 4),
            ),
            left_out=tuple(left_out),
            seeds={"radiograph bench": seed},
        ),
    ]
    # families of scanners share the section of their image quality
    sections = {section.id: section for part in parts for section in reversed(part.sections)}
    whole = Part(
        sections=tuple(sections.values()),
        **{
            name: tuple(item for part in parts for item in getattr(part, name))
            for name in ("detectors", "figures", "curves", "comparisons", "exhibits", "left_out")
        },
        data={key: value for part in parts for key, value in part.data.items()},
        seeds={key: value for part in parts for key, value in part.seeds.items()},
    )
    return _marked(whole) if is_short else whole


def _not_made(split: str, n: int) -> list[LeftOut]:
    """Name the pictures of scenes whose object did not get into the picture."""
    text = "the object does not fit, or no pixel of it is in the picture"
    return [LeftOut(kind="not made", where=f"threats, {split}", text=text, n=n, is_error=False)] if n else []


def _card(settings: Settings, rows: list[Any], make: Callable[..., Part], *, is_whole: bool) -> Part:
    folder = Path(settings.models.folder) if settings.models.folder is not None else None
    try:
        card = load_model(MODEL, folder=folder, allowed=settings.models.allowed).card
    except ModelError as error:
        return Part(left_out=(LeftOut(kind="no model", where=MODEL, text=str(error)),))
    return make(rows, card, is_whole=is_whole)


def _marked(part: Part) -> Part:
    """Say of every figure of the short form that it is no measure."""
    return msgspec.structs.replace(
        part,
        sections=tuple(
            msgspec.structs.replace(one, data=f"SHORT FORM, no measure of anything. {one.data}")
            for one in part.sections
        ),
        figures=tuple(
            msgspec.structs.replace(one, note=f"{NO_MEASURE}; {one.note}" if one.note else NO_MEASURE)
            for one in part.figures
        ),
        comparisons=tuple(
            msgspec.structs.replace(one, test=f"{one.test} ({NO_MEASURE})") for one in part.comparisons
        ),
    )
