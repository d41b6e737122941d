"""Spectra as evaluation makes and scores them."""
