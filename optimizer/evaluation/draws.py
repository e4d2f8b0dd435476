"""Draws of the factors: the same for the same seed and name, whatever else is drawn.

Every name has a stream of its own: the counter-based generator Philox-4x64-10, keyed by a hash of
seed and name (J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy
as 1, 2, 3", SC 2011). Draw d is found by its counter, so that blocks of draws can be made in
any order; a pool, a workload or a route more changes nothing for the others, and two plans meet the
same draws (common random numbers: A. M. Law, "Simulation modeling and analysis", section 11.2).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.evaluation.uncertainty import UNIFORM, Ranges, Spread

Float = NDArray[np.float64]

WORDS = 2
"""Words of 64 bits that each draw of a stream takes: as many as a normal number needs."""
WORDS_PER_COUNT = 4
"""Words that one step of Philox's counter gives."""
ALIGNED = WORDS_PER_COUNT // WORDS
"""Blocks of draws begin at multiples of this."""

__all__ = ["Draws", "Factors", "quantiles"]


@dataclass(frozen=True, eq=False)
class Factors:
    """A block of draws.

    Attributes
    ----------
    demand : (W, D) factor on the Mtok of each workload.
    slowness : (C, D) factor on the chip-hours of each class of routes: one over its throughput.
    price : (P, D) factor on the price of each pool.
    """

    demand: Float
    slowness: Float
    price: Float


@dataclass(frozen=True, eq=False)
class Draws:
    """Where draws come from.

    Attributes
    ----------
    ranges : what is drawn.
    seed : any whole number; the same gives the same.
    distribution : ``triangular`` or ``uniform``.
    common_demand : part of the variance of normal scores that all workloads share.
    """

    ranges: Ranges
    seed: int
    distribution: str
    common_demand: float

    def block(self, begin: int, end: int) -> Factors:
        """Draws ``begin`` ... ``end - 1``; ``begin`` is a multiple of :data:`ALIGNED`."""
        ranges = self.ranges
        return Factors(
            demand=self._factors(ranges.demand, self._demand_ranks(begin, end)),
            slowness=1.0 / self._plain(ranges.throughput, self._keys["throughput"], begin, end),
            price=self._plain(ranges.price, self._keys["price"], begin, end),
        )

    def _demand_ranks(self, begin: int, end: int) -> Float:
        """(W, D) ranks in (0, 1), tied to each other by a Gaussian copula with one factor."""
        from scipy.special import ndtr

        spread, share = self.ranges.demand, self.common_demand
        if spread.certain:
            return np.full((len(spread.low), end - begin), 0.5)
        own = _normal(_words(self._keys["demand"], begin, end))
        common = _normal(_words(self._keys["all demand"], begin, end))
        return np.asarray(ndtr(np.sqrt(share) * common + np.sqrt(1.0 - share) * own))

    def _plain(self, spread: Spread, keys: list[int], begin: int, end: int) -> Float:
        if spread.certain:
            return np.ones((len(spread.low), end - begin)) * spread.low[:, None]
        return self._factors(spread, _uniform(_words(keys, begin, end)[:, 0])[spread.stream])

    def _factors(self, spread: Spread, rank: Float) -> Float:
        return quantiles(rank, spread.low[:, None], spread.high[:, None], self.distribution)

    @cached_property
    def _keys(self) -> dict[str, list[int]]:
        """Key of each stream, by kind."""
        ranges = self.ranges
        named = {
            "all demand": ("",),
            "demand": ranges.demand.names,
            "throughput": ranges.throughput.names,
            "price": ranges.price.names,
        }
        return {
            kind: [_key(self.seed, kind, name) for name in names] for kind, names in named.items()
        }


def quantiles(rank: Float, low: Float, high: Float, distribution: str) -> Float:
    """Factors at ranks: the inverse of the distribution function.

    Triangular with mode 1: below the mode ``F(x) = (x - low)^2 / ((high - low) (1 - low))``,
    above it ``1 - F(x) = (high - x)^2 / ((high - low) (high - 1))``.
    """
    width = high - low
    if distribution == UNIFORM:
        return low + rank * width
    rising = low + np.sqrt(rank * width * (1.0 - low))
    falling = high - np.sqrt((1.0 - rank) * width * (high - 1.0))
    return np.where(rank * width < 1.0 - low, rising, falling)


def _key(seed: int, kind: str, name: str) -> int:
    """128 bits that are the stream's own."""
    text = f"{seed}\0{kind}\0{name}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "little")


def _words(keys: list[int], begin: int, end: int) -> NDArray[np.uint64]:
    """(N, WORDS, D) bits of the draws of each stream."""
    found = np.empty((len(keys), WORDS, end - begin), np.uint64)
    for row, key in enumerate(keys):
        stream = np.random.Philox(key=key, counter=begin // ALIGNED)
        found[row] = stream.random_raw(WORDS * (end - begin)).reshape(-1, WORDS).T
    return found


def _uniform(words: NDArray[np.uint64]) -> Float:
    """Numbers in (0, 1), neither end among them: the middles of 2^53 equal parts."""
    return np.asarray(((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53)


def _normal(words: NDArray[np.uint64]) -> Float:
    """(N, D) normal numbers from (N, 2, D) bits (G. E. P. Box, M. E. Muller, 1958)."""
    one, other = _uniform(words[:, 0]), _uniform(words[:, 1])
    return np.asarray(np.sqrt(-2.0 * np.log(one)) * np.cos(2.0 * np.pi * other))
