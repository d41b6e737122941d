"""Measure detectors against labelled samples: answer rates, errors and their intervals."""
