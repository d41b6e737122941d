"""The section of one container: decision and reasons first, then the evidence, then the hashes."""

from __future__ import annotations

from typing import Literal

from screening.records import (
    Category,
    ClearanceDecision,
    FlagModality,
    Level,
    Manifest,
    RadiationMeasurements,
    RadiographMeasurements,
    ReasonCode,
    worst,
)

from .entries import Entry, ReportedScan
from .evidence import radiation_part, radiograph_part, record_part
from .markup import Content, Markup, join, tag
from .words import ACTION_WORDS, CODE_WORDS, LEVEL_SIGNS, MODALITY_WORDS, SEAL_WORDS, spaced_container_id

GAMMA_ALARM = "gamma alarm"
NEUTRONS = "neutrons"
# What a person must know first, and what explains an alarm although it is no alarm itself.
FIRST_TOLD = frozenset(
    (
        ReasonCode.RAD_NUCLIDE_SNM,
        ReasonCode.RAD_NEUTRON,
        ReasonCode.SEAL_BROKEN,
        ReasonCode.IMG_THREAT,
        ReasonCode.IMG_PERSON,
    )
)
EXPLAINING = (ReasonCode.RAD_NUCLIDE_NORM, ReasonCode.RAD_NUCLIDE_MEDICAL)
NOT_OPERATION = frozenset((ReasonCode.EXERCISE, ReasonCode.MODE_NOT_OPS))

__all__ = ["badge", "banner_strip", "container_section", "entry_name", "headline", "scan_summary"]


def badge(level: Level | None, *, text: str | None = None, is_large: bool = False) -> Markup:
    """Return a level as a coloured label with its word and sign.

    Parameters
    ----------
    level : Level or None
        The level; None for a step without an answer.
    text : str, optional
        Other words than the level's own.
    is_large : bool
        Larger type.

    Returns
    -------
    Markup
        The label.
    """
    kind = level.value if level is not None else "NONE"
    sign = LEVEL_SIGNS[level] if level is not None else "–"
    label = tag("span", sign, aria_hidden="true")
    return tag("span", label, text or kind, class_=f"badge {kind}" + (" large" if is_large else ""))


def banner_strip(banner: str | None, *, is_top: bool = False) -> Markup | None:
    """Return the warning strip.

    Parameters
    ----------
    banner : str or None
        Its words; None for no strip.
    is_top : bool
        The strip that stays at the top of the window.

    Returns
    -------
    Markup or None
        The strip.
    """
    if banner is None:
        return None
    return tag("div", tag("span", banner), class_="banner top" if is_top else "banner", role="note")


def container_section(entry: Entry, *, anchor: str, banner: str | None, max_pixels: int) -> Markup:
    """Return everything on one container.

    Parameters
    ----------
    entry : Entry
        The container.
    anchor : str
        Identifier of the section in the page.
    banner : str or None
        Warning over it.
    max_pixels : int
        Size limit of one picture.

    Returns
    -------
    Markup
        The section.
    """
    parts: list[Markup] = []
    for i, scan in enumerate(entry.scans):
        name = f"{anchor}-{i}"
        if scan.error is not None or scan.modality is None:
            parts.append(_unread_part(scan))
        elif scan.modality == "radiation":
            parts.append(radiation_part(scan, badge(scan.shown_level), name=name))
        else:
            parts.append(radiograph_part(scan, badge(scan.shown_level), max_pixels=max_pixels))
    notes = tag("div", tag("ul", *(tag("li", note) for note in entry.notes), class_="notes"), class_="part")
    level = entry.level.value
    return tag(
        "section",
        tag(
            "div",
            banner_strip(banner),
            _head(entry),
            _verdict(entry),
            _steps(entry),
            *parts,
            notes if entry.notes else None,
            record_part(entry),
            class_="panel",
        ),
        class_=f"entry {level}",
        id=anchor,
    )


def reasons(entry: Entry) -> list[tuple[ReasonCode, str, Level | None]]:
    """Return why a container has its level, worst first, each reason once.

    Parameters
    ----------
    entry : Entry
        The container.

    Returns
    -------
    list of (ReasonCode, str, Level or None)
        Code, its own text (may be empty) and the level this reason alone gives.
    """
    found: dict[tuple[ReasonCode, str], Level | None] = {}
    for scan in entry.scans:
        for flag in scan.flags:
            for reason in flag.reasons:
                found.setdefault((reason.code, reason.text), reason.level)
        if scan.error is not None:
            found.setdefault((scan.error.code, scan.error.text), Level.UNKNOWN)
    told = {code for code, _ in found}
    if entry.decision is not None:
        for code in entry.decision.reason_codes:
            if code not in told:
                found.setdefault((code, ""), entry.decision.risk)
    # An exercise is said by the strip above; what was found in it comes first.
    return sorted(
        ((code, text, level) for (code, text), level in found.items()),
        key=lambda item: (
            -(item[2].rank if item[2] is not None else -1),
            item[0] not in FIRST_TOLD,
            item[0] in NOT_OPERATION,
        ),
    )


def entry_name(entry: Entry) -> str:
    """Return what an entry is called.

    Parameters
    ----------
    entry : Entry
        The entry.

    Returns
    -------
    str
        Its container number; without one the file or the scan it is about.
    """
    if entry.container_id is None:
        for scan in entry.scans:
            if scan.path or scan.scan_id:
                return scan.path or scan.scan_id or ""
    return spaced_container_id(entry.container_id)


def headline(entry: Entry) -> str:
    """Return the reasons of a container in one line for the overview.

    Parameters
    ----------
    entry : Entry
        The container.

    Returns
    -------
    str
        The words of the codes that made the level, at most three, and after a gamma alarm the natural
        or medical nuclide that explains it.
    """
    level = entry.level
    told = reasons(entry)
    all_codes = dict.fromkeys(code for code, _, own in told if own is level)
    codes = [code for code in all_codes if code not in NOT_OPERATION]
    if all_codes and not codes:
        return "Nothing found; what is not taken in operation clears no cargo"
    if level is Level.LOW:
        return "Every step done, nothing found"
    if not codes:
        return "the next step of the flow is still to be done"
    if ReasonCode.RAD_GAMMA_NSIGMA in codes:
        alarm = codes.index(ReasonCode.RAD_GAMMA_NSIGMA)
        named = {code for code, _, _ in told} - set(codes)
        codes[alarm + 1 : alarm + 1] = [code for code in EXPLAINING if code in named]
    words = [CODE_WORDS[code] for code in codes[:3]]
    text = "; ".join(words) + (f"; {len(codes) - 3} more" if len(codes) > 3 else "")
    return _capital(text)


def scan_summary(entry: Entry, modality: Literal["radiation", "radiograph"]) -> Content:
    """Return what one kind of scan said, in a few words.

    Parameters
    ----------
    entry : Entry
        The container.
    modality : {"radiation", "radiograph"}
        Which scans.

    Returns
    -------
    Markup
        A badge and a finding.
    """
    scans = [scan for scan in entry.scans if scan.modality == modality]
    if not scans:
        return tag("span", "not taken", class_="absent")
    level = worst(*(scan.shown_level for scan in scans))
    found = list(dict.fromkeys(text for scan in scans for text in _findings(scan)))
    if set(found) - {GAMMA_ALARM, NEUTRONS} and GAMMA_ALARM in found:
        found.remove(GAMMA_ALARM)  # the nuclide says it better
    found.sort(key=lambda text: text != NEUTRONS)
    codes = {reason.code for scan in scans for flag in scan.flags for reason in flag.reasons}
    if not found and level is not Level.LOW and codes and codes <= NOT_OPERATION:
        found = ["nothing found"]  # LOW says so itself
    return join(badge(level), " ", ", ".join(found))


def _findings(scan: ReportedScan) -> list[str]:
    measured = scan.measurements
    if isinstance(measured, RadiationMeasurements):
        found = [NEUTRONS] if measured.neutron is not None and measured.neutron.alarm else []
        if measured.nuclides:
            # A stable sort: of the others the most certain stays first.
            worst_first = sorted(measured.nuclides, key=lambda n: Category.SNM not in n.categories)
            names = [n.nuclide for n in worst_first]
            return [*found, ", ".join(names[:2]) + (" …" if len(names) > 2 else "")]
        return [*found, GAMMA_ALARM] if measured.gamma is not None and measured.gamma.alarm else found
    text = _image_finding(measured)
    return [text] if text else []


def _image_finding(measured: object) -> str:
    if isinstance(measured, RadiographMeasurements):
        kinds = [region.kind.value for region in measured.regions if region.kind.value in ("threat", "dense")]
        if kinds:
            return f"{len(kinds)} {kinds[0]}" if len(kinds) > 1 else kinds[0]
        if measured.hideable_fraction:
            return "shielded"
        if measured.empty_probability is not None and measured.empty_probability > 0.5:
            return "empty"
    return ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _head(entry: Entry) -> Markup:
    places = list(
        dict.fromkeys(part for scan in entry.scans if scan.place for part in scan.place.split(" · "))
    )
    times = sorted(scan.taken_at for scan in entry.scans if scan.taken_at)
    if entry.container_id is None:
        places.insert(0, spaced_container_id(None))
    meta = join(
        " · ".join(places),
        tag("br") if places and times else None,
        f"{times[0][:19].replace('T', ' ')} UTC" if times else None,
        tag("div", _declared(entry.manifest)) if entry.manifest is not None else None,
    )
    return tag(
        "div",
        badge(entry.level, is_large=True),
        tag("h2", entry_name(entry)),
        tag("div", meta, class_="meta"),
        class_="head",
    )


def _declared(manifest: Manifest) -> str:
    parts = []
    if manifest.is_declared_empty is not None:
        parts.append("empty" if manifest.is_declared_empty else "loaded")
    if manifest.goods:
        parts.append("HS " + ", ".join(manifest.goods))
    if manifest.gross_mass_kg is not None:
        parts.append(f"{manifest.gross_mass_kg:,.0f} kg")
    return "declared: " + (", ".join(parts) or "nothing")


def _verdict(entry: Entry) -> Markup:
    decision = entry.decision
    if decision is None:
        what = join(
            tag("div", "No decision taken", class_="action"),
            tag("div", "analysis results only", class_="small"),
        )
    else:
        what = join(
            tag("div", ACTION_WORDS[decision.action], class_="action"),
            tag("div", _by_whom(decision), class_="small"),
        )
    items = [
        tag(
            "li",
            tag("span", _capital(CODE_WORDS[code]), tag("em", text) if text else None, class_="text"),
            tag("code", code.value, class_="code"),
        )
        for code, text, _ in reasons(entry)
    ]
    if not items:
        items = [tag("li", tag("span", "Every required step is done and found nothing.", class_="text"))]
    return tag(
        "div", tag("div", what), tag("ul", *items, class_="reasons"), class_=f"verdict {entry.level.value}"
    )


def _by_whom(decision: ClearanceDecision) -> Markup:
    exercise = ", exercise only" if decision.is_exercise else ""
    who = f"{decision.administration}, at {decision.stage.lower()}{exercise}"
    return join(who, tag("br"), f"{decision.decided_at[:19].replace('T', ' ')} UTC")


def _steps(entry: Entry) -> Markup:
    inputs = entry.decision.inputs if entry.decision is not None else None
    targeting = worst(*(t.level for t in entry.targeting)) if entry.targeting else None
    if targeting is None and inputs is not None:
        targeting = inputs.targeting
    seal = inputs.seal if inputs is not None else None
    decided = entry.decision.risk if entry.decision is not None else None
    steps = [
        ("Advance data", badge(targeting, text=None if targeting else "missing"), _who_targeted(entry)),
        ("Seal", badge(_seal_level(seal), text=SEAL_WORDS[seal]), _seal_said(entry)),
        ("Portal", _step_badge(entry, "radiation"), _step_said(entry, "radiation")),
        ("Radiograph", _step_badge(entry, "radiograph"), _step_said(entry, "radiograph")),
        ("Decision", badge(decided, text=None if decided else "none"), _policy_said(entry)),
    ]
    return tag(
        "div",
        *(
            tag(
                "div",
                tag("div", name, class_="name"),
                label,
                tag("span", said, class_="said") if said else None,
            )
            for name, label, said in steps
        ),
        class_="steps",
    )


def _step_badge(entry: Entry, modality: str) -> Markup:
    levels = [scan.shown_level for scan in entry.scans if scan.modality == modality]
    return badge(worst(*levels)) if levels else badge(None, text="not taken")


def _step_said(entry: Entry, modality: str) -> str:
    kinds = [
        MODALITY_WORDS[flag.modality].lower()
        for scan in entry.scans
        if scan.modality == modality
        for flag in scan.flags
        if flag.modality is not FlagModality.TARGETING
        and (flag.level is scan.level or flag.level is Level.HIGH)
    ]
    return ", ".join(dict.fromkeys(kinds)) if modality == "radiation" else ""


def _who_targeted(entry: Entry) -> str:
    return ", ".join(dict.fromkeys(t.administration for t in entry.targeting))


def _seal_level(seal: str | None) -> Level | None:
    if seal is None:
        return None
    return {"VERIFIED": Level.LOW, "BROKEN": Level.HIGH}.get(seal, Level.UNKNOWN)


def _seal_said(entry: Entry) -> str:
    if entry.decision is not None and entry.decision.seal.id:
        return entry.decision.seal.id
    return entry.seal_events[-1].seal_id if entry.seal_events else ""


def _policy_said(entry: Entry) -> str:
    return (
        f"policy {entry.decision.policy.id} {entry.decision.policy.version}"
        if entry.decision is not None
        else ""
    )


def _unread_part(scan: ReportedScan) -> Markup:
    text = scan.error.text if scan.error is not None else "the input was not recognised"
    code = scan.error.code.value if scan.error is not None else ReasonCode.INPUT_CORRUPT.value
    return tag(
        "div",
        tag("header", tag("h3", "Could not be analysed"), badge(Level.UNKNOWN)),
        tag("p", text, " ", tag("code", code, class_="code"), class_="trouble"),
        class_="part",
    )
