"""Figures of a bench: what its background is like, thresholds, false alarms, detectable activities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.episodes import n_episodes
from screening.evaluate.metrics.resampling import MAX_UNDEFINED, Estimate
from screening.evaluate.record import Figure, figure_of

from .analysis import PROBABILITIES, Found, gap_closed
from .gathered import Gathered
from .learning import FACTORS
from .plan import ORACLE
from .wording import REFERENCE, UNITS, note_of, tier_of

__all__ = ["data_figures", "detector_figures"]

_VERDICTS = {"holds": "holds", "too many": "too many alarms", "too few": "fewer alarms than allowed"}


def data_figures(known: Gathered, section: str) -> list[Figure]:
    """Return what the background is like on which the ranking depends.

    Parameters
    ----------
    known : Gathered
        The bench.
    section : str
        Section of the report.

    Returns
    -------
    list of Figure
        Rate, its variation, components above noise.
    """
    learned = known.learned[ORACLE]
    values = learned["eigenvalues"]
    n_component = int((values > float(learned["noise_edge"])).sum())
    parents = "shifts" if known.track.is_by_occupancy else "runs"
    unit_of_series = "occupancies" if known.track.is_by_occupancy else "runs"
    hours = f"training background, {float(learned['hours']):.1f} h"

    def _figure(metric: str, value: float, unit: str, note: str) -> Figure:
        return Figure(
            section=section,
            metric=metric,
            value=value,
            n=known.scale.n_train,
            unit=unit,
            note=note,
            method="none: a description",
        )

    return [
        _figure("mean background rate", float(learned["rate_cps"]), "1/s", note_of(known, hours)),
        _figure(
            f"coefficient of variation, all {parents}",
            float(learned["variation"]),
            "",
            note_of(known, "beyond Poisson, 1 s"),
        ),
        _figure(
            f"coefficient of variation, within {unit_of_series}",
            float(learned["variation_within"]),
            "",
            note_of(known, f"beyond Poisson, 1 s, root mean square over {unit_of_series}"),
        ),
        _figure(
            "principal components above noise",
            n_component,
            "",
            note_of(
                known,
                "2 s, Poisson-scaled, above (1 + sqrt(p / n))^2: eigenvalues "
                + ", ".join(f"{value:.3g}" for value in values[: n_component + 1])
                + f" against {float(learned['noise_edge']):.3g}",
            ),
        ),
    ]


def detector_figures(known: Gathered, found: Found, section: str) -> list[Figure]:
    """Return the figures of each detector.

    Parameters
    ----------
    known : Gathered
        The bench.
    found : Found
        Its curves.
    section : str
        Section of the report.

    Returns
    -------
    list of Figure
        Thresholds, false alarms, detectable activities, share of the gap closed, settings.
    """
    rows: list[Figure] = []
    unit, size = UNITS[known.track.name]
    per = "occupancy" if known.track.is_by_occupancy else "h"
    for detector in known.detectors:
        rows += _alarm_figures(known, detector, section, per)
        free = found.chance[detector]
        rows.append(
            figure_of(
                free,
                section=section,
                metric="share of passes without a source that alarm",
                detector=detector,
                better="lower",
                note=note_of(known),
            )
        )
        for stratum, curve in zip(known.track.strata, found.curves[detector], strict=True):
            for p, estimate in zip(PROBABILITIES, curve.mda_mbq, strict=True):
                note = "" if curve.fit.is_fitted else f"no curve: {curve.fit.outcome}"
                rows.append(
                    _from_estimate(
                        estimate,
                        1.0 / size,
                        section=section,
                        metric=f"activity detected with probability {p:g}",
                        detector=detector,
                        stratum=stratum.name,
                        n=curve.n_pass,
                        unit=unit,
                        method=f"{estimate.method}; background resampled",
                        better="lower",
                        note=note_of(known, note),
                    )
                )
        rows += _summary_figures(known, found, detector, section, unit, size)
    return rows


def _alarm_figures(known: Gathered, detector: str, section: str, per: str) -> list[Figure]:
    rows = []
    exposure = "occupancies" if known.track.is_by_occupancy else "h"
    names = dict.fromkeys(known.series(detector, i) for i in range(len(known.track.strata)))
    for name in names:
        alarm = known.alarms[name]
        stratum = name.partition("@")[2]
        checked = alarm.verified
        n_set = int(n_episodes(alarm.starts, [float(alarm.threshold.value or np.inf)]).sum())
        seen = alarm.on_unseen(float(alarm.threshold.value or 0.0))
        verdict = "too many" if checked.is_inflated else checked.verdict
        raised = f"raised to {checked.threshold:.4g} on other background" if checked.is_inflated else ""
        rows.append(
            _from_estimate(
                alarm.threshold,
                section=section,
                metric="threshold",
                detector=detector,
                stratum=stratum,
                n=alarm.starts.hours.size,
                method=alarm.threshold.method,
                note=note_of(
                    known,
                    f"{n_set} alarms above it in {alarm.starts.hours.sum():,.0f} {exposure} where it was set",
                    raised,
                ),
            )
        )
        rows.append(
            Figure(
                section=section,
                metric="false alarm rate on unseen background",
                detector=detector,
                stratum=stratum,
                value=seen.k / seen.n,
                low=seen.low,
                high=seen.high,
                k=seen.k,
                n=seen.n,
                unit=f"1/{per}",
                method=seen.method,
                better="lower",
                is_headline=not stratum and known.scale.is_measure,
                note=note_of(known, f"{known.track.far:.4g} allowed: {_VERDICTS[verdict]}", raised),
            )
        )
        if checked.is_inflated:
            again = alarm.on_unseen(checked.threshold)
            rows.append(
                Figure(
                    section=section,
                    metric="false alarm rate on the background that raised the threshold",
                    detector=detector,
                    stratum=stratum,
                    value=again.k / again.n,
                    low=again.low,
                    high=again.high,
                    k=again.k,
                    n=again.n,
                    unit=f"1/{per}",
                    method=again.method,
                    better="lower",
                    note=note_of(known, "of the threshold used; not verified on unseen background"),
                )
            )
    return rows


def _summary_figures(
    known: Gathered, found: Found, detector: str, section: str, unit: str, size: float
) -> list[Figure]:
    values, again = found.log_mda(detector)
    failed = int(np.isnan(values).sum())
    names = [s.name for s, value in zip(known.track.strata, values, strict=True) if np.isnan(value)]
    resampled = np.exp(again.mean(axis=0))
    has = failed == 0 and np.isnan(resampled).mean() <= MAX_UNDEFINED
    bounds = (np.nanquantile(resampled, [0.025, 0.975]) / size).tolist() if has else [None, None]
    low, high = bounds
    rows = [
        Figure(
            section=section,
            metric="activity detected with probability 0.95, geometric mean",
            detector=detector,
            value=None if failed else float(np.exp(values.mean()) / size),
            low=low,
            high=high,
            n=values.size,
            unit=unit,
            method="bootstrap over background and passes" if has else "none: a source without a curve",
            better="lower",
            is_headline=known.scale.is_measure,
            note=note_of(
                known, f"over {values.size} sources" + (f"; no curve for {', '.join(names)}" if names else "")
            ),
        ),
        Figure(
            section=section,
            metric="sources without a detection curve",
            detector=detector,
            value=failed,
            k=failed,
            n=values.size,
            method="none: a count",
            better="lower",
            note=note_of(known, ", ".join(names)),
        ),
    ]
    tier = tier_of(known, detector)
    reference = REFERENCE["blind"]
    if {reference, ORACLE} <= found.curves.keys() and detector != reference and tier != "oracle":
        share = gap_closed(found, detector, reference)
        rows.append(
            _from_estimate(
                share,
                section=section,
                metric="share of the gap from nmf to the oracle closed",
                detector=detector,
                n=values.size,
                method=share.method,
                better="higher",
                is_headline=known.scale.is_measure,
                note=note_of(known, "in the mean logarithm of the activity"),
            )
        )
    learned = known.learned.get(detector, {})
    if "tried.merit" in learned:
        merits = learned["tried.merit"]
        tried = ", ".join(f"{n} {m:.3f}" for n, m in zip(learned["tried.name"], merits, strict=True))
        rows.append(
            Figure(
                section=section,
                metric="share of validation passes detected",
                detector=detector,
                value=float(merits[_chosen(learned)]),
                n=known.scale.n_validation_pass * len(known.track.strata) * len(FACTORS),
                method="none: the best of those tried",
                better="",
                note=note_of(known, f"chosen {_as_text(learned['choice'])}; tried {tried}"),
            )
        )
    return rows


def _from_estimate(estimate: Estimate, factor: float = 1.0, **fields: Any) -> Figure:
    value, low, high = (
        None if bound is None else float(bound) * factor
        for bound in (estimate.value, estimate.low, estimate.high)
    )
    return Figure(value=value, low=low, high=high, **fields)


def _as_text(choice: NDArray[np.float64]) -> str:
    return ", ".join(f"{value:g}" for value in np.atleast_1d(choice))


def _chosen(learned: dict[str, NDArray[np.float64]]) -> int:
    texts = [str(name).strip("()").replace(" ", "").split(",") for name in learned["tried.name"]]
    wanted = [float(value) for value in np.atleast_1d(learned["choice"])]
    return next(k for k, text in enumerate(texts) if [float(part) for part in text if part] == wanted)
