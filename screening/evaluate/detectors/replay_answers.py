"""Read what an outside program answers: N42 with AnalysisResults (2006 and 2012), or CSV."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import TYPE_CHECKING, Any

import msgspec

from screening.errors import FormatError
from screening.evaluate.identification import load_correspondence, severity
from screening.formats.hardened_xml import children, local_name, parse_xml, text_of
from screening.records import Level

from .answer import Candidate, DetectorAnswer
from .nuclide_names import label_of

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["COLUMNS", "MAX_ANSWER_BYTES", "read_answer", "read_csv_answer", "read_n42_answer"]

MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_ROWS = 100_000
#: How our N42 writer names the alarm that the instrument raised itself.
OWN_ALARM = "the instrument's own alarm"
#: Labels up to this severity raise no level by being named.
_MEDICAL = 1

_FLAGS = ("alarm", "is_loaded", "has_dense", "is_shielded", "has_threat")
_NUMBERS = ("load_score", "threat_score", "alarm_time_s", "cargo_mass_kg", "hideable_fraction")
_BOX = ("row0", "col0", "row1", "col1")
#: Columns of a CSV answer.
COLUMNS = ("label", "confidence", "level", "score", *_FLAGS, *_NUMBERS, *_BOX, "kind")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_LEVEL = re.compile(r"^level (LOW|UNKNOWN|HIGH)\b")


def read_answer(
    data: bytes, *, name: str, is_radiograph: bool, full_confidence: float | None
) -> DetectorAnswer:
    """Return the answer of an outside program.

    Parameters
    ----------
    data : bytes
        N42 or CSV, told apart by the first character.
    name : str
        File name, for messages.
    is_radiograph : bool
        What was asked: a score without a box is of the picture, not of the alarm.
    full_confidence : float or None
        The number that stands for certainty; None for 100 in N42 and 1 in CSV.

    Returns
    -------
    DetectorAnswer
        The answer, names of nuclides read into labels of this package.

    Raises
    ------
    FormatError
        If it cannot be read, or holds no answer.
    """
    if len(data) > MAX_ANSWER_BYTES:
        raise FormatError(f"{name}: {len(data)} bytes, at most {MAX_ANSWER_BYTES} are read", value=len(data))
    if not data.strip():
        raise FormatError(f"{name}: the answer is empty", value=len(data))
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return read_n42_answer(data.lstrip(), name=name, full_confidence=full_confidence or 100.0)
    return read_csv_answer(
        data, name=name, is_radiograph=is_radiograph, full_confidence=full_confidence or 1.0
    )


def read_n42_answer(data: bytes, *, name: str, full_confidence: float = 100.0) -> DetectorAnswer:
    """Return the answer that an N42 document's AnalysisResults give.

    Parameters
    ----------
    data : bytes
        The document, 2006 or 2012.
    name : str
        File name, for messages.
    full_confidence : float
        The number that stands for certainty.

    Returns
    -------
    DetectorAnswer
        ``alarm`` is true with a RadAlarm, or with a nuclide that is in no background. The level is the
        one a description states ("level HIGH"); else HIGH with a RadAlarm or a nuclide that is neither
        natural nor medical, UNKNOWN with any other, LOW with none.

    Raises
    ------
    FormatError
        If it is no XML that is read, holds no AnalysisResults, or a confidence is none.
    """
    root = parse_xml(data, name=name, max_bytes=MAX_ANSWER_BYTES)
    results = [
        item
        for item in root.iter("{*}AnalysisResults")
        # The alarm of the instrument itself goes in with the scan; a program may copy it to its answer.
        if text_of(item, "AnalysisAlgorithmName") != OWN_ALARM
    ]
    if not results:
        raise FormatError(f"{name}: no AnalysisResults", value=local_name(root))
    has_alarm, has_failed = False, False
    levels: list[Level] = []
    confidences: dict[str, float] = {}
    named: list[str] = []
    for result in results:
        has_failed = has_failed or (text_of(result, "AnalysisResultStatusCode") or "").lower() == "failure"
        has_alarm = has_alarm or bool(children(result, "RadAlarm"))
        stated = _LEVEL.match(text_of(result, "AnalysisResultDescription") or "")
        if stated:
            levels.append(Level(stated.group(1)))
        for group in children(result, "NuclideAnalysisResults", "NuclideAnalysis"):
            for nuclide in children(group, "Nuclide"):
                _add_nuclide(nuclide, named, confidences, name, full_confidence)
    if has_failed:
        return DetectorAnswer(level=Level.UNKNOWN, codes=("MODEL_ERROR",))
    return _with_level(
        tuple(dict.fromkeys(named)), confidences, has_alarm, next(iter(sorted(levels, key=_rank)), None)
    )


def read_csv_answer(
    data: bytes, *, name: str, is_radiograph: bool = False, full_confidence: float = 1.0
) -> DetectorAnswer:
    """Return the answer that a CSV table gives.

    Parameters
    ----------
    data : bytes
        UTF-8, one header line, columns of :data:`COLUMNS` in any order, as many as are needed. A row may
        name a label with its confidence, give a box with its score, or state one of the other answers; an
        answer stated twice must be the same. A header alone means: looked, and found nothing.
    name : str
        File name, for messages.
    is_radiograph : bool
        A score without a box is of the picture; else of the alarm.
    full_confidence : float
        The number that stands for certainty.

    Returns
    -------
    DetectorAnswer
        The level is the one stated; else HIGH with an alarm or a threat, LOW where all that was stated of
        them says no, and as for N42 where labels are all that is given.

    Raises
    ------
    FormatError
        If it is no table of these columns, or a cell cannot be read.
    """
    try:
        text = data.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if any(c.strip() for c in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{name}: not a CSV table: {error}") from None
    if not rows:
        raise FormatError(f"{name}: no header; columns are {', '.join(COLUMNS)}", value=0)
    header = [cell.strip() for cell in rows[0]]
    strange = [column for column in header if column not in COLUMNS]
    if strange or len(set(header)) != len(header) or len(rows) > MAX_ROWS:
        why = f"no column {strange[0]!r}" if strange else "a column twice, or too many rows"
        raise FormatError(f"{name}: {why}; columns are {', '.join(COLUMNS)}", value=header)
    table = _Table(name, full_confidence, is_radiograph=is_radiograph)
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise FormatError(f"{name}, row {number}: {len(row)} cells under {len(header)} columns")
        cells = dict(zip(header, (c.strip() for c in row), strict=True))
        table.add(number, {key: cell for key, cell in cells.items() if cell})
    return table.answer(header)


class _Table:
    def __init__(self, name: str, full_confidence: float, *, is_radiograph: bool) -> None:
        self._name, self._full, self._is_radiograph = name, full_confidence, is_radiograph
        self._stated: dict[str, Any] = {}
        self._named: list[str] = []
        self._confidences: dict[str, float] = {}
        self._boxes: list[Candidate] = []

    def add(self, number: int, cells: dict[str, str]) -> None:
        where = f"{self._name}, row {number}"
        if "label" in cells:
            label = label_of(cells["label"])
            self._named.append(label)
            if "confidence" in cells:
                self._confidences[label] = _confidence(cells["confidence"], where, self._full)
        if any(corner in cells for corner in _BOX):
            self._boxes.append(self._box(cells, where))
        elif "score" in cells:
            self._state(
                where,
                "threat_score" if self._is_radiograph else "alarm_score",
                _number(cells, "score", where),
            )
        if "level" in cells:
            if cells["level"] not in list(Level):
                raise FormatError(f"{where}: level {cells['level']!r} is none of {', '.join(Level)}")
            self._state(where, "level", Level(cells["level"]))
        for key in _FLAGS:
            if key in cells:
                word = cells[key].lower()
                if word not in _WORDS:
                    raise FormatError(f"{where}: {key} {word!r} is neither true nor false", value=word)
                self._state(where, key, _WORDS[word])
        for key in _NUMBERS:
            if key in cells:
                self._state(where, key, _number(cells, key, where))

    def answer(self, header: list[str]) -> DetectorAnswer:
        stated = dict(self._stated)
        if "label" in header:
            stated["nuclides"] = tuple(dict.fromkeys(self._named))
            stated["confidences"] = self._confidences
        if "row0" in header:
            stated["candidates"] = tuple(self._boxes)
        if "level" not in stated:
            calls = [stated[key] for key in ("alarm", "has_threat") if key in stated]
            if calls:
                stated["level"] = Level.HIGH if any(calls) else Level.LOW
            elif "label" in header and not self._is_radiograph:
                by_label = _with_level(stated["nuclides"], self._confidences, False, None)
                stated |= {"level": by_label.level, "alarm": by_label.alarm}
            else:
                stated["level"] = Level.UNKNOWN
        return DetectorAnswer(**stated)

    def _state(self, where: str, key: str, value: Any) -> None:
        if self._stated.setdefault(key, value) != value:
            raise FormatError(f"{where}: {key} is {value}, and {self._stated[key]} in an earlier row")

    def _box(self, cells: dict[str, str], where: str) -> Candidate:
        missing = [key for key in (*_BOX, "score") if key not in cells]
        if missing:
            raise FormatError(f"{where}: a box without {missing[0]}", value=missing)
        corners = {}
        for corner in _BOX:
            value = _number(cells, corner, where)
            if value != int(value):
                raise FormatError(f"{where}: {corner} {cells[corner]!r} is no whole number")
            corners[corner] = int(value)
        return Candidate(**corners, score=_number(cells, "score", where), kind=cells.get("kind", ""))


def _add_nuclide(
    element: etree._Element, named: list[str], confidences: dict[str, float], name: str, full: float
) -> None:
    text = text_of(element, "NuclideName")
    if text is None:
        return  # instruments write an empty Nuclide for "nothing found"
    label = label_of(text)
    for key in ("NuclideIDConfidenceValue", "NuclideIDConfidenceIndication", "NuclideIDConfidence"):
        written = text_of(element, key)
        if written is not None and _is_number(written):  # words, "high", say nothing that can be counted
            confidences[label] = max(confidences.get(label, 0.0), _confidence(written, name, full))
            break
    if (text_of(element, "NuclideIdentifiedIndicator") or "true").lower() not in ("false", "0"):
        named.append(label)


def _with_level(
    named: tuple[str, ...], confidences: dict[str, float], has_alarm: bool, stated: Level | None
) -> DetectorAnswer:
    table = load_correspondence()
    foreign = [label for label in named if label not in table.always_allowed]
    is_high = has_alarm or any(severity(label, table) > _MEDICAL for label in foreign)
    derived = Level.HIGH if is_high else Level.UNKNOWN if foreign else Level.LOW
    answer = DetectorAnswer(
        level=derived if stated is None else stated, alarm=has_alarm or bool(foreign), nuclides=named
    )
    return msgspec.structs.replace(answer, confidences=confidences) if confidences else answer


def _rank(level: Level) -> int:
    return (Level.HIGH, Level.UNKNOWN, Level.LOW).index(level)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(cells: dict[str, str], key: str, where: str) -> float:
    try:
        value = float(cells[key])
    except ValueError:
        raise FormatError(f"{where}: {key} {cells[key]!r} is no number", value=cells[key]) from None
    if not math.isfinite(value):
        raise FormatError(f"{where}: {key} is {value}", value=value)
    return value


def _confidence(text: str, where: str, full: float) -> float:
    value = _number({"confidence": text}, "confidence", where)
    if not 0.0 <= value <= full:
        raise FormatError(
            f"{where}: confidence {value:g} is not within 0 to {full:g}; say what stands for certainty",
            value=value,
        )
    return value / full
