"""How much is simulated: the whole bench, and a short form that shows it at work."""

from __future__ import annotations

from typing import Literal

import msgspec

from .portal import PortalTrack
from .scene import Track
from .street import StreetTrack

__all__ = ["Form", "Scale", "scale_of", "track_of"]

Form = Literal["full", "tail", "short"]


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of one form of a bench. A parent is a run along a street, or a shift of a portal.

    Attributes
    ----------
    n_train, n_validation, n_threshold, n_verification : int
        Parents of each split.
    n_validation_pass : int
        Passes of each source on which settings are chosen.
    n_pilot, n_pass : int
        Passes of each source that find the range of activities, and that are scored.
    n_trial : int
        Settings each detector may try.
    n_resample : int
        Resamples of the bootstrap.
    parents_per_job, passes_per_job : int
        Size of a piece of work.
    is_tail : bool
        Thresholds come from a generalised Pareto tail instead of being counted.
    is_measure : bool
        Whether the figures are a measure of anything.
    """

    n_train: int
    n_validation: int
    n_threshold: int
    n_verification: int
    n_validation_pass: int
    n_pilot: int
    n_pass: int
    n_trial: int = 6
    n_resample: int = 2000
    parents_per_job: int = 20
    passes_per_job: int = 25
    is_tail: bool = False
    is_measure: bool = True


#: 8,150 runs of 360 s on average are 815 h, and 2,450 are 245 h; 300 shifts are 30,000 occupancies.
_SCALES: dict[tuple[str, Form], Scale] = {
    ("street", "full"): Scale(
        n_train=40,
        n_validation=60,
        n_threshold=8150,
        n_verification=2450,
        n_validation_pass=6,
        n_pilot=24,
        n_pass=400,
    ),
    ("street", "tail"): Scale(
        n_train=40,
        n_validation=60,
        n_threshold=2450,
        n_verification=2450,
        n_validation_pass=6,
        n_pilot=24,
        n_pass=400,
        is_tail=True,
    ),
    ("street", "short"): Scale(
        n_train=12,
        n_validation=12,
        n_threshold=30,
        n_verification=15,
        n_validation_pass=4,
        n_pilot=4,
        n_pass=24,
        n_trial=2,
        n_resample=200,
        parents_per_job=5,
        passes_per_job=12,
        is_measure=False,
    ),
    ("portal", "full"): Scale(
        n_train=10,
        n_validation=15,
        n_threshold=300,
        n_verification=100,
        n_validation_pass=2,
        n_pilot=24,
        n_pass=400,
        parents_per_job=4,
    ),
    ("portal", "tail"): Scale(
        n_train=10,
        n_validation=15,
        n_threshold=100,
        n_verification=100,
        n_validation_pass=2,
        n_pilot=24,
        n_pass=400,
        parents_per_job=4,
        is_tail=True,
    ),
    ("portal", "short"): Scale(
        n_train=6,
        n_validation=5,
        n_threshold=10,
        n_verification=5,
        n_validation_pass=4,
        n_pilot=4,
        n_pass=24,
        n_trial=2,
        n_resample=200,
        parents_per_job=2,
        passes_per_job=12,
        is_measure=False,
    ),
}


def scale_of(what: str, form: Form) -> Scale:
    """Return the numbers of a form.

    Parameters
    ----------
    what : {"street", "portal"}
        Track.
    form : {"full", "tail", "short"}
        Form.

    Returns
    -------
    Scale
        Its numbers.

    Raises
    ------
    ValueError
        If there is no such track or form.
    """
    if (what, form) not in _SCALES:
        raise ValueError(
            f"no bench {what!r} in the form {form!r}; there are: street, portal; full, tail, short"
        )
    return _SCALES[what, form]


def track_of(what: str, form: Form) -> Track:
    """Return the track of a form.

    Parameters
    ----------
    what : {"street", "portal"}
        Track.
    form : {"full", "tail", "short"}
        Form; the short one has few sources, and an easier false alarm rate because its background is short.

    Returns
    -------
    Track
        The track.

    Raises
    ------
    ValueError
        If there is no such track or form.
    """
    scale_of(what, form)
    if what == "street":
        if form == "short":
            return StreetTrack(("Co-60", "Cs-137", "I-131"), far=6.0, run_s=(120.0, 240.0))
        return StreetTrack()
    if form == "short":
        return PortalTrack(("Co-60", "Cs-137"), ("bare", "1 cm steel"), far=0.05, n_vehicle=20)
    return PortalTrack()
