"""Write scans with a flag and a message each, and tell of every one once it is acknowledged."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from screening.records import RiskFlag, ScanIdentity
from screening.stores import Message, ResultStore, StoredScan

path, first, template = Path(sys.argv[1]), int(sys.argv[2]), msgspec.json.decode(sys.argv[3], type=RiskFlag)
with ResultStore(path) as store:
    for i in range(first, first + 100_000):
        scan = StoredScan(identity=ScanIdentity(scan_id=f"scan-{i}"), modality="radiation")
        flag = msgspec.structs.replace(template, scan_id=scan.identity.scan_id)
        store.record(scan=scan, flags=[flag], messages=[Message(kind="riskflag/1", body=str(i).encode())])
        sys.stdout.write(f"{i}\n")
        sys.stdout.flush()
