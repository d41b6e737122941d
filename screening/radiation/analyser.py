"""The radiation analysis of one scan: counts, spectra and neutrons, each with its gates."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError
from screening.records import (
    Analysis,
    Assessment,
    CountMeasurement,
    Finding,
    FlagModality,
    Occupancy,
    RadiationMeasurements,
    ReasonCode,
    Scan,
    decimal_string,
)

from .analyser_identification import (
    IdentifierLike,
    SpectralAnswer,
    identify,
    is_innocent,
    nuclide_findings,
)
from .analyser_pass import GammaEvidence, weigh_pass
from .analyser_static import weigh_static
from .background import check_age
from .neutron import NeutronTest, measure_neutrons
from .occupancy import PassCounts, prepare_pass
from .occupancy_spectra import sum_spectra, valid_edges
from .products import fit_products, neutron_products, spectrum_products
from .quality import GateList, check_coverage, check_device, check_occupancy
from .quality_spectra import check_spectra
from .settings import RadiationSettings

__all__ = ["RadiationAnalyser"]


class RadiationAnalyser:
    """Analyse occupancies and spectra; the level is set elsewhere.

    Parameters
    ----------
    settings : RadiationSettings
        Limits of the lane.
    identifier : IdentifierLike or None
        Names nuclides; without one, spectra are MODEL_ERROR.
    """

    def __init__(self, settings: RadiationSettings, identifier: IdentifierLike | None) -> None:
        self.settings = settings
        self.identifier = identifier

    def analyse(self, scan: Scan) -> Analysis:
        """Return findings and measurements of a scan, without a level.

        Parameters
        ----------
        scan : Scan
            An occupancy or a static spectrum.

        Returns
        -------
        Analysis
            Assessments RAD_GROSS; RAD_SPECTRAL if there are spectra; NEUTRON if there are neutron
            counts. Whatever is missing or wrong is a finding or a failed gate, never silence.

        Raises
        ------
        TypeError
            If the scan is a radiograph.
        """
        occupancy = scan.payload
        if not isinstance(occupancy, Occupancy):
            raise TypeError(f"a radiation analysis needs an Occupancy, got {type(occupancy).__name__}")
        try:
            counts = prepare_pass(occupancy, self.settings)
        except FormatError as error:
            return _corrupt(scan, occupancy, str(error))
        weigh = weigh_static if occupancy.kind == "static" else weigh_pass
        gamma = weigh(scan, occupancy, counts, self.settings)
        gamma.findings.extend(_device_alarms(occupancy, gamma))
        products = dict(gamma.products)
        spectral: SpectralAnswer | None = None
        if occupancy.spectra is not None:
            spectral = self._identify(occupancy, gamma, products)
        neutrons: NeutronTest | None = None
        if occupancy.neutron_counts is not None and occupancy.neutron_interval_s is not None:
            neutrons = measure_neutrons(occupancy, self.settings.neutron)
            products.update(
                neutron_products(
                    occupancy.neutron_counts, occupancy.neutron_interval_s, neutrons.background_cps
                )
            )
        assessments = [self._gross(scan, gamma, spectral, neutrons)]
        if spectral is not None:
            assessments.append(self._spectral(scan, occupancy, gamma, spectral))
        if neutrons is not None:
            assessments.append(self._neutron(scan, occupancy, counts, neutrons))
        elif _lacks_neutrons(occupancy):
            assessments.append(_missing_neutrons(scan))
        measurements = RadiationMeasurements(
            nuclides=spectral.nuclides if spectral is not None else (),
            gamma=gamma.measurement,
            neutron=_neutron_measurement(neutrons),
            detection_limit_mbq_cs137=gamma.detection_limit_mbq,
            anomaly=spectral.anomaly if spectral is not None else None,
            resolution_662_percent=spectral.resolution_662_percent if spectral is not None else None,
            gain_correction=spectral.gain if spectral is not None else None,
        )
        return Analysis(
            modality="radiation",
            assessments=tuple(assessments),
            measurements=measurements,
            models=spectral.models if spectral is not None else (),
            products=products,
        )

    def _identify(
        self, occupancy: Occupancy, gamma: GammaEvidence, products: dict[str, NDArray[Any]]
    ) -> SpectralAnswer:
        answer = SpectralAnswer()
        if not valid_edges(occupancy.energy_edges_kev):
            return answer  # the gate of the energy calibration says why
        spectra = sum_spectra(
            occupancy, gamma.foreground, gamma.quiet, gamma.background, gamma.typical_suppression
        )
        products.update(spectrum_products(spectra))
        n_counts = float(spectra.foreground.counts.sum())
        if n_counts <= 0 or spectra.foreground.live_time_s <= 0:
            return answer  # the gate of the counts says why
        answer = identify(
            self.identifier, spectra, is_background_subtracted=occupancy.is_background_subtracted
        )
        answer.n_counts = n_counts
        gross = float(occupancy.gamma_counts[gamma.foreground].clip(min=0).sum(dtype=np.float64))
        answer.disagreement = abs(n_counts / gross - 1.0) if gross > 0 else None
        products.update(fit_products(answer.products, products["energy_edges_kev"]))
        return answer

    def _is_natural(self, gamma: GammaEvidence) -> bool:
        """Tell whether radium is taken for natural: spread along the pass, or without an alarm."""
        measured = gamma.measurement
        if measured is None or not measured.alarm:
            return True
        return gamma.extent >= self.settings.min_norm_extent

    def _gross(
        self,
        scan: Scan,
        gamma: GammaEvidence,
        spectral: SpectralAnswer | None,
        neutrons: NeutronTest | None,
    ) -> Assessment:
        findings = list(gamma.findings)
        explained = (
            spectral is not None
            and spectral.is_answered
            and is_innocent(spectral.nuclides, is_natural=self._is_natural(gamma))
            and not (neutrons is not None and neutrons.is_alarm)
        )
        if explained:
            findings = [
                msgspec.structs.replace(finding, is_explained=not finding.is_severe)
                if finding.code is ReasonCode.RAD_GAMMA_NSIGMA
                else finding
                for finding in findings
            ]
        return Assessment(
            modality=FlagModality.RAD_GROSS,
            findings=(*findings, *_notes(scan)),
            gates=tuple(gamma.gates.gates),
            scores=gamma.scores,
        )

    def _spectral(
        self, scan: Scan, occupancy: Occupancy, gamma: GammaEvidence, answer: SpectralAnswer
    ) -> Assessment:
        gates = GateList(list(gamma.gates.gates))
        calibrated = valid_edges(occupancy.energy_edges_kev)
        gates.at_least("energy_calibration", ReasonCode.CAL_MISSING, float(calibrated), 1)
        gates.at_least(
            "foreground_counts", ReasonCode.Q_COVERAGE, answer.n_counts, self.settings.min_foreground_counts
        )
        if answer.n_counts is not None and not occupancy.is_background_subtracted:
            # Gross counts and spectra are two accounts of the same pulses.
            gates.at_most(
                "spectrum_disagreement",
                ReasonCode.Q_COVERAGE,
                answer.disagreement,
                self.settings.counts_tolerance,
            )
        if occupancy.kind == "occupancy":
            check_spectra(gates, occupancy, self.settings)
        is_loud = bool(gamma.measurement is None or gamma.measurement.alarm is not False)
        found = nuclide_findings(
            answer.nuclides,
            extent=gamma.extent,
            is_norm_told=is_loud,
            is_natural=self._is_natural(gamma) and not occupancy.is_background_subtracted,
        )
        if answer.is_answered and not answer.nuclides and gamma.measurement and gamma.measurement.alarm:
            found.append(
                Finding(
                    code=ReasonCode.RAD_SPECTRAL_ANOMALY,
                    text="counts above background that no nuclide explains: radioactive, not identified",
                    evidence_ref="spectrum/SUM",
                )
            )
        scores = {item.nuclide: decimal_string(item.confidence) for item in answer.nuclides}
        return Assessment(
            modality=FlagModality.RAD_SPECTRAL,
            findings=(*found, *answer.findings, *_notes(scan)),
            gates=tuple(gates.gates),
            scores=scores,
            labels=tuple(item.nuclide for item in answer.nuclides),
            ood_score=decimal_string(answer.anomaly.score) if answer.anomaly is not None else None,
        )

    def _neutron(self, scan: Scan, occupancy: Occupancy, counts: PassCounts, test: NeutronTest) -> Assessment:
        settings = self.settings
        limits = settings.neutron
        gates = GateList()
        has_background = test.background_cps is not None
        gates.at_least("neutron_background", ReasonCode.BKG_MISSING, float(has_background), 1)
        if occupancy.kind == "occupancy":
            check_coverage(gates, occupancy, counts, settings)
            check_occupancy(gates, occupancy, counts, settings)
        if occupancy.background is not None:
            check_age(gates, occupancy.background, scan.identity, settings)
        n_reading = int(np.asarray(occupancy.neutron_counts).shape[0])
        seen = 1.0 - test.n_lost / n_reading if n_reading else None
        gates.at_least("neutron_coverage", ReasonCode.Q_COVERAGE, seen, 1.0 - settings.max_lost_fraction)
        gates.at_least("neutron_window_s", ReasonCode.Q_COVERAGE, test.window_s, limits.min_window_s * 0.99)
        gates.at_most("neutron_dead_panels", ReasonCode.Q_DETECTOR_DEAD, test.n_dead, 0)
        if test.log10_deficit is not None:
            gates.at_least(
                "neutron_log10_deficit",
                ReasonCode.Q_DETECTOR_DEAD,
                test.log10_deficit,
                math.log10(limits.dead_probability),
            )
        rates = counts.counts / counts.interval_s[:, np.newaxis]
        gates.at_most(
            "gamma_pile_up_cps",
            ReasonCode.Q_CROSSTALK,
            float(rates.max(initial=0.0)),
            limits.max_gamma_panel_cps,
        )
        check_device(gates, occupancy, FlagModality.NEUTRON)
        scores = {
            "log10_p": decimal_string(test.log10_p),
            "attained_size": decimal_string(test.attained_size),
            "max_nsigma": decimal_string(test.max_nsigma),
        }
        findings: list[Finding] = []
        if test.is_alarm:
            findings.append(
                Finding(
                    code=ReasonCode.RAD_NEUTRON,
                    text=f"neutrons: {_figure(test.max_cps)} counts/s against a background of "
                    f"{_figure(test.background_cps)}, log10 p {test.log10_p:.1f} over all windows",
                    params={
                        **scores,
                        "max_cps": decimal_string(test.max_cps),
                        "background_cps": decimal_string(test.background_cps),
                        "window_s": decimal_string(test.window_s),
                        "ship_effect": decimal_string(limits.ship_effect),
                    },
                    evidence_ref="neutron_cps",
                    is_severe=True,
                )
            )
        return Assessment(
            modality=FlagModality.NEUTRON,
            findings=(*findings, *_notes(scan)),
            gates=tuple(gates.gates),
            scores=scores,
        )


def _device_alarms(occupancy: Occupancy, gamma: GammaEvidence) -> list[Finding]:
    """Return findings for the device's own alarms, where ours did not come: an alarm is never lost."""
    is_told = any(finding.code is ReasonCode.RAD_GAMMA_NSIGMA for finding in gamma.findings)
    found: list[Finding] = []
    for alarm in occupancy.device_alarms:
        is_neutron = "neutron" in alarm.lower()
        if is_told and not is_neutron:
            continue
        found.append(
            Finding(
                code=ReasonCode.RAD_NEUTRON if is_neutron else ReasonCode.RAD_GAMMA_NSIGMA,
                text=f"the device's own {alarm} alarm",
                params={"alarm": alarm},
                is_severe=is_neutron,
            )
        )
    return found


def _lacks_neutrons(occupancy: Occupancy) -> bool:
    """Tell whether neutron detectors that counted in the background sent nothing in the pass."""
    background = occupancy.background
    if occupancy.kind != "occupancy" or background is None or background.neutron_cps is None:
        return False
    return bool((np.asarray(background.neutron_cps) > 0).any())


def _missing_neutrons(scan: Scan) -> Assessment:
    gates = GateList()
    gates.at_least("neutron_readings", ReasonCode.Q_COVERAGE, 0.0, 1)
    return Assessment(modality=FlagModality.NEUTRON, findings=_notes(scan), gates=tuple(gates.gates))


def _neutron_measurement(test: NeutronTest | None) -> CountMeasurement | None:
    if test is None:
        return None
    return CountMeasurement(
        background_cps=test.background_cps,
        max_cps=test.max_cps,
        max_nsigma=test.max_nsigma,
        alarm=test.is_alarm if test.background_cps is not None or test.is_alarm else None,
    )


def _notes(scan: Scan) -> tuple[Finding, ...]:
    """Return findings for what the reader saw, one for each code."""
    texts: dict[ReasonCode, list[str]] = {}
    for note in scan.notes:
        if note.reason is not None:
            texts.setdefault(note.reason, []).append(note.text)
    return tuple(Finding(code=code, text="; ".join(lines)) for code, lines in texts.items())


def _corrupt(scan: Scan, occupancy: Occupancy, text: str) -> Analysis:
    modalities = [FlagModality.RAD_GROSS]
    if occupancy.spectra is not None:
        modalities.append(FlagModality.RAD_SPECTRAL)
    if occupancy.neutron_counts is not None:
        modalities.append(FlagModality.NEUTRON)
    finding = Finding(code=ReasonCode.INPUT_CORRUPT, text=text)
    return Analysis(
        modality="radiation",
        assessments=tuple(
            Assessment(modality=modality, findings=(finding, *_notes(scan))) for modality in modalities
        ),
        measurements=RadiationMeasurements(),
    )


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"
