"""Clearance of a site over HTTP: takes sealed records, answers queries, streams decisions.

Nothing is imported here: the client runs on acquisition PCs that have no web server installed.
"""

from __future__ import annotations

__all__: list[str] = []
