"""Photon Monte Carlo: detectors, shields and surfaces, and the tables made with it."""
