"""Batch: index an archive, run the pipeline over it, compare with what was stored, report."""
