"""The rows of the table, one file for each subject. To import them fills the table."""

from benchmarks.scale.measure import ROWS
from benchmarks.scale.rows import boards, panel, queue, recording, rescoring

__all__ = ["ROWS", "boards", "panel", "queue", "recording", "rescoring"]
