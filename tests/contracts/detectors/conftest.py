from __future__ import annotations

import msgspec
import pytest

from screening.archive import write_scan
from screening.evaluate.detectors.contract import _occupancy


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Six passes, three of them with a source at 662 keV."""
    folder = tmp_path_factory.mktemp("passes")
    rows = ["path,modality,truth_nuclides,level"]
    for number, source_cps in enumerate((0.0, 4000.0, 0.0, 5000.0, 0.0, 6000.0)):
        scan = _occupancy("x" * number, source_cps)
        identity = msgspec.structs.replace(scan.identity, scan_id=f"pass-{number}")
        write_scan(folder / f"p{number}.h5", msgspec.structs.replace(scan, identity=identity))
        rows.append(
            f"p{number}.h5,radiation,{'Cs-137' if source_cps else 'none'},{'HIGH' if source_cps else 'LOW'}"
        )
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
