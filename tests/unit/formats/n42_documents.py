"""Hand-written N42 documents: the tests and the reader must not come from the same writer."""

from __future__ import annotations

PORTAL_2006 = """<?xml version="1.0"?>
<N42InstrumentData xmlns="http://physics.nist.gov/Divisions/Div846/Gp4/ANSIN4242/2005/ANSIN4242"
 xmlns:dndons="http://www.DNDO.gov/N42Schema/2006/DNDOSchema">
<Measurement UUID="u">
<InstrumentInformation><Manufacturer>M</Manufacturer><InstrumentModel>P8</InstrumentModel>
<InstrumentID>7</InstrumentID><LaneNumber>3</LaneNumber>
<dndons:DetectorStatus Detector="A2" Operational="0"/></InstrumentInformation>
{slices}
</Measurement></N42InstrumentData>
"""

SLICE_2006 = """<DetectorData><StartTime>2020-01-01T00:00:{second:06.3f}Z</StartTime>
<SampleRealTime>PT0.500S</SampleRealTime><Occupied>{occupied}</Occupied><Speed Units="{unit}">{speed}</Speed>
<DetectorMeasurement Detector="Portal" DetectorType="Other"><SpectrumMeasurement>
<Spectrum Detector="A1"><RealTime>PT0.5S</RealTime><LiveTime>PT0.48S</LiveTime><SourceType>Item</SourceType>
<DetectorType>NaI</DetectorType>
<Calibration Type="Energy" EnergyUnits="keV"><Equation Model="Polynomial">
<Coefficients>0 300 1</Coefficients></Equation></Calibration>
<Calibration Type="FWHM" FWHMUnits="keV"><Equation Model="Polynomial">
<Coefficients>1 1</Coefficients></Equation></Calibration>
<ChannelData Compression="CountedZeroes">0 3 {a} 0 2 7 0 1</ChannelData></Spectrum>
<Spectrum Detector="A2"><RealTime>PT0.5S</RealTime><LiveTime>PT0.47S</LiveTime>
<Calibration Type="Energy" EnergyUnits="MeV"><Equation Model="Polynomial">
<Coefficients>-0.001 0.31</Coefficients></Equation></Calibration>
<ChannelData>1 2 3 4 5 6 7 {b}</ChannelData></Spectrum>
</SpectrumMeasurement></DetectorMeasurement>
<DetectorMeasurement Detector="N1" DetectorType="Neutron"><GrossCounts><TotalCounts>2</TotalCounts>
</GrossCounts></DetectorMeasurement>
</DetectorData>"""


def portal_2006(*, n_slice: int = 5, n_quiet: int = 2, speed: str = "5.0", unit: str = "mph") -> bytes:
    """Return a pass of `n_slice` intervals whose first `n_quiet` are not occupied."""
    slices = "".join(
        SLICE_2006.format(
            second=0.5 * i, occupied=int(i >= n_quiet), a=i + 1, b=10 * i, speed=speed, unit=unit
        )
        for i in range(n_slice)
    )
    return PORTAL_2006.format(slices=slices).encode()


MINIMAL_2006 = b"""<?xml version="1.0" encoding="UTF-8"?>
<N42InstrumentData><Measurement><Spectrum>
<RealTime Unit="sec">PT405.03S</RealTime><LiveTime Unit="sec">PT400.20S</LiveTime>
<Calibration Type="Energy" EnergyUnits="keV"><Equation Model="Polynomial">
<Coefficients>-3.95e+001  3.0e+002 -1.0e-004  1.4e-007</Coefficients></Equation></Calibration>
<ChannelData> 0 0 5 16872 74818 109396 3 1 </ChannelData><RASE_Sensitivity>6367</RASE_Sensitivity>
</Spectrum></Measurement></N42InstrumentData>"""

BY_ID_2006 = """<N42InstrumentData><Calibration ID="e1" Type="Energy" EnergyUnits="keV">
<Equation Model="FullRangeFraction"><Coefficients>10 3000 5</Coefficients></Equation></Calibration>
<Calibration ID="{second}" Type="Energy" EnergyUnits="keV"><ArrayXY X="Channel" Y="Energy">
<PointXY><X>0</X><Y>0</Y></PointXY><PointXY><X>4</X><Y>400</Y></PointXY></ArrayXY></Calibration>
<Measurement><Spectrum CalibrationIDs="e1"><RealTime>PT10S</RealTime><LiveTime>PT9S</LiveTime>
<SourceType>Item</SourceType><ChannelData>1 2 3 4 5 6 7 8</ChannelData></Spectrum>
<Spectrum CalibrationIDs="e2"><RealTime>PT100S</RealTime><LiveTime>PT99S</LiveTime>
<SourceType>Background</SourceType><ChannelData>10 20 30 40 50 60 70 80</ChannelData></Spectrum>
</Measurement></N42InstrumentData>"""

HEAD_2012 = """<?xml version="1.0" encoding="utf-8"?>
<RadInstrumentData xmlns="http://physics.nist.gov/N42/2011/N42">
<RadInstrumentInformation id="i"><RadInstrumentManufacturerName>Maker</RadInstrumentManufacturerName>
<RadInstrumentIdentifier>S1</RadInstrumentIdentifier>
<RadInstrumentModelName>Model</RadInstrumentModelName>
<RadInstrumentClassCode>Spectroscopic Portal Monitor</RadInstrumentClassCode>
<RadInstrumentVersion><RadInstrumentComponentName>Firmware</RadInstrumentComponentName>
<RadInstrumentComponentVersion>4.2</RadInstrumentComponentVersion></RadInstrumentVersion>
</RadInstrumentInformation>
<RadDetectorInformation id="g1"><RadDetectorName>Aa1</RadDetectorName>
<RadDetectorCategoryCode>Gamma</RadDetectorCategoryCode><RadDetectorKindCode>NaI</RadDetectorKindCode>
</RadDetectorInformation>
<RadDetectorInformation id="n1"><RadDetectorName>Nn1</RadDetectorName>
<RadDetectorCategoryCode>Neutron</RadDetectorCategoryCode><RadDetectorKindCode>He3</RadDetectorKindCode>
</RadDetectorInformation>
<EnergyCalibration id="c3"><CoefficientValues>0 300 0 {extra}</CoefficientValues></EnergyCalibration>
<EnergyCalibration id="cb"><EnergyBoundaryValues>0 100 250 500 1000</EnergyBoundaryValues></EnergyCalibration>
<EnergyCalibration id="cd"><CoefficientValues>0 100 0</CoefficientValues>
<EnergyValues>0 200</EnergyValues><EnergyDeviationValues>0 20</EnergyDeviationValues></EnergyCalibration>
"""

MEASUREMENT_2012 = """<RadMeasurement id="{id}"><MeasurementClassCode>{kind}</MeasurementClassCode>
<StartDateTime>{start}</StartDateTime><RealTimeDuration>{real}</RealTimeDuration>
<Spectrum id="{id}s" radDetectorInformationReference="g1" energyCalibrationReference="{cal}">
<LiveTimeDuration>{live}</LiveTimeDuration>
<ChannelData compressionCode="{code}">{data}</ChannelData></Spectrum>
<GrossCounts id="{id}g" radDetectorInformationReference="n1"><LiveTimeDuration>{live}</LiveTimeDuration>
<CountData>{neutrons}</CountData></GrossCounts>
{state}
</RadMeasurement>"""


def measurement_2012(identifier: str, **fields: str) -> str:
    """Return one RadMeasurement."""
    values = {
        "id": identifier,
        "kind": "Foreground",
        "start": "2021-06-01T10:00:00Z",
        "real": "PT1S",
        "cal": "c3",
        "live": "PT0.9S",
        "code": "None",
        "data": "1 2 3 4",
        "neutrons": "1",
        "state": "",
    }
    return MEASUREMENT_2012.format(**{**values, **fields})


def document_2012(*measurements: str, extra: str = "") -> bytes:
    """Return a 2012 document."""
    return (HEAD_2012.format(extra=extra) + "".join(measurements) + "</RadInstrumentData>").encode()
