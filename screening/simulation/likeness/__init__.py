"""How much simulated pictures look like real ones: figures of a picture, and the test "real or simulated"."""

from .files import compare_files, read_radiographs, statistics_of
from .result import TwoSampleResult
from .statistics import PictureStatistics, picture_statistics
from .two_sample import two_sample

__all__ = [
    "PictureStatistics",
    "TwoSampleResult",
    "compare_files",
    "picture_statistics",
    "read_radiographs",
    "statistics_of",
    "two_sample",
]
