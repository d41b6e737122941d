"""Simulated vehicle passes, radiographs and hardware, each with its truth; never loaded at run time.

:mod:`.occupancies` rolls vehicles through portals, :mod:`.radiographs` past scanners, :mod:`.spectra` draws
single spectra, :mod:`.presets` says what comes along, and :mod:`.emulators` speak the
wire protocols of the machines.
"""
