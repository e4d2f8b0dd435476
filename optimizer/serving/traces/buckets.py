"""Length buckets: requests of like length become one workload."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Buckets:
    """Half-open ranges of tokens.

    Attributes
    ----------
    word : what is counted, for names.
    edges : tokens at which a new bucket begins; none: a single bucket.
    """

    word: str
    edges: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """Number of buckets."""
        return len(self.edges) + 1

    def place(self, tokens: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n,) bucket of each request."""
        return np.searchsorted(np.array(self.edges, np.float64), tokens, side="right")

    def name(self, bucket: int) -> str:
        """``in1024-4095``, ``in4096+``; empty when there is only one."""
        if not self.edges:
            return ""
        low = 0 if bucket == 0 else self.edges[bucket - 1]
        if bucket == len(self.edges):
            return f"{self.word}{low}+"
        return f"{self.word}{low}-{self.edges[bucket] - 1}"
