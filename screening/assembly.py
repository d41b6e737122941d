"""Build the pipeline and its parts from settings: the only module that names concrete classes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from screening import __version__, kernels
from screening.archive import write_products
from screening.classifiers import Model, load_model
from screening.config import Settings, load_settings, settings_sha256
from screening.errors import ModelError, ScreeningError
from screening.pipeline import Pipeline
from screening.radiation import RadiationAnalyser
from screening.radiation.identify import Identifier
from screening.radiography import RadiographAnalyser
from screening.records import (
    Background,
    FlagModality,
    InputRef,
    Level,
    Occupancy,
    ReasonCode,
    Scan,
    ScreeningReport,
    UnreadInput,
    sha256_hex,
)
from screening.risk import Provenance
from screening.sources import open_background, open_scans

__all__ = ["analyse", "build_pipeline", "read_background", "unread_report"]

NUCLIDE_MODEL = "nuclides"
EMPTY_MODEL = "empties"


def build_pipeline(settings: Settings | None = None) -> Pipeline:
    """Build the pipeline.

    A model that cannot be loaded does not stop it: every flag that needed the model then says why
    it is UNKNOWN, and the rest goes on.

    Parameters
    ----------
    settings : Settings, optional
        Settings; the defaults when omitted.

    Returns
    -------
    Pipeline
        Ready to be fed.
    """
    settings = settings or Settings()
    folder = Path(settings.models.folder) if settings.models.folder is not None else None
    allowed = settings.models.allowed
    failures: dict[FlagModality, ModelError] = {}

    def _loaded(name: str, modality: FlagModality) -> Model | None:
        try:
            return load_model(name, folder=folder, allowed=allowed)
        except ModelError as error:
            failures[modality] = error
            return None

    nuclides = _loaded(NUCLIDE_MODEL, FlagModality.RAD_SPECTRAL)
    empties = _loaded(EMPTY_MODEL, FlagModality.XRAY)
    thresholds = [model.ref.card_sha256 for model in (nuclides, empties) if model is not None]
    provenance = Provenance(
        version=__version__,
        kernel_isa=kernels.isa(),
        config_sha256=settings_sha256(settings),
        threshold_sha256=sha256_hex(msgspec.json.encode([thresholds, settings_sha256(settings)])),
    )
    return Pipeline(
        RadiationAnalyser(settings.radiation, Identifier(nuclides)),
        RadiographAnalyser(settings.radiography, empties),
        provenance,
        failures,
    )


def read_background(path: Path) -> tuple[Background, InputRef]:
    """Read a background measured apart.

    Parameters
    ----------
    path : Path
        Any file with a spectrum or an occupancy.

    Returns
    -------
    background : Background
        The background.
    reference : InputRef
        The bytes it came from.

    Raises
    ------
    FormatError
        If the file cannot be read as a background.
    """
    background = open_background(path)
    data = path.read_bytes()
    reference = InputRef(
        kind="background", uri=path.name, n_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
    )
    return background, reference


def analyse(
    path: Path | str,
    *,
    background: Path | str | None = None,
    settings: Settings | Path | None = None,
    pipeline: Pipeline | None = None,
    products: Path | None = None,
) -> Iterator[ScreeningReport]:
    """Analyse every scan of a file.

    Parameters
    ----------
    path : Path or str
        The file.
    background : Path or str, optional
        A background measured apart; it takes the place of the file's own.
    settings : Settings or Path, optional
        Settings or their file; the defaults when omitted.
    pipeline : Pipeline, optional
        A pipeline to use again for many files.
    products : Path, optional
        Folder for ``<scan_id>.h5`` files with the maps and spectra behind each answer.

    Yields
    ------
    ScreeningReport
        One per scan; for a file that cannot be read, one that says why, with level UNKNOWN.
    """
    started = time.perf_counter()
    path = Path(path)
    if pipeline is None:
        pipeline = build_pipeline(settings if isinstance(settings, Settings) else load_settings(settings))
    try:
        scans = open_scans(path)
        apart = read_background(Path(background)) if background is not None else None
    except ScreeningError as error:
        yield unread_report(path, error, started)
        return
    except Exception as error:  # a defect of ours, or bytes nobody thought of: the batch goes on
        yield unread_report(path, _defect(path, "reading", error), started)
        return
    for scan in scans:
        try:
            if apart is not None:
                scan = _with_background(scan, *apart)
            result = pipeline.screen(scan)
            if products is not None:
                write_products(products / f"{result.scan_id}.h5", result.scan_id, result.products)
        except ScreeningError as error:
            pipeline.abandon()
            yield unread_report(path, error, started, scan=scan)
        except Exception as error:  # as above, and this scan is not LOW
            pipeline.abandon()
            yield unread_report(path, _defect(path, "the analysis", error), started, scan=scan)
        else:
            yield result.report(str(path), _elapsed_ms(started))
        started = time.perf_counter()


def unread_report(
    path: Path, error: ScreeningError, started: float, *, scan: Scan | None = None
) -> ScreeningReport:
    """Return the report of an input that could not be analysed: UNKNOWN, with its reason.

    Parameters
    ----------
    path : Path
        The input.
    error : ScreeningError
        What went wrong.
    started : float
        ``time.perf_counter()`` when its reading began.
    scan : Scan, optional
        The scan, when reading succeeded and the analysis did not.

    Returns
    -------
    ScreeningReport
        The report.
    """
    text = str(error)
    return ScreeningReport(
        path=str(path),
        scan_id=scan.identity.scan_id if scan is not None else None,
        modality=scan.modality if scan is not None else _modality_by_name(path),
        level=Level.UNKNOWN,
        flags=(),
        elapsed_ms=_elapsed_ms(started),
        error=UnreadInput(
            code=ReasonCode(error.reason), text=text if path.name in text else f"{path.name}: {text}"
        ),
    )


def _with_background(scan: Scan, background: Background, reference: InputRef) -> Scan:
    if not isinstance(scan.payload, Occupancy):
        return scan
    payload = msgspec.structs.replace(scan.payload, background=background)
    return msgspec.structs.replace(scan, payload=payload, inputs=(*scan.inputs, reference))


def _defect(path: Path, what: str, error: Exception) -> ModelError:
    return ModelError(f"{path.name}: {what} failed ({type(error).__name__}: {error})")


def _modality_by_name(path: Path) -> Literal["radiation", "radiograph"] | None:
    suffix = path.suffix.lower()
    if suffix in {".n42", ".xml", ".spe", ".spc", ".pcf", ".cnf", ".chn"}:
        return "radiation"
    if suffix in {".tif", ".tiff", ".npy"}:
        return "radiograph"
    return None


def _elapsed_ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1e3, 3)
