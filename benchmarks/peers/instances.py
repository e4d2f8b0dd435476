"""The instances of the comparison, made by ``optimizer generate`` and kept in a cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.named import named
from benchmarks.peers.conversion import transport_of
from optimizer.instance.generate import generate
from optimizer.instance.write import write

SEED = 1


@dataclass(frozen=True)
class Case:
    """A size.

    Attributes
    ----------
    name : as on the command line.
    workloads, pools, periods : lengths of the axes.
    """

    name: str
    workloads: int
    pools: int
    periods: int

    def folder(self, cache: Path) -> Path:
        """Where the instance is, written when it is not there."""
        place = cache / "instances"
        folder = place / f"{self.workloads}x{self.pools}x{self.periods}-s{SEED}"
        arrays = self.arrays(cache)
        if not arrays.exists():
            place.mkdir(parents=True, exist_ok=True)
            made = generate(
                workloads=self.workloads, pools=self.pools, periods=self.periods, seed=SEED
            )
            if not folder.exists():
                write(made, folder, tables="parquet", matrices="npy")
            transport_of(made).save(arrays)
        return folder

    def arrays(self, cache: Path) -> Path:
        """File of its arrays."""
        name = f"{self.workloads}x{self.pools}x{self.periods}-s{SEED}.npz"
        return cache / "instances" / name


CASES = (
    Case("tiny", 200, 20, 1),
    Case("thousand", 1_000, 40, 1),
    Case("small", 5_000, 40, 1),
    Case("hours", 2_000, 20, 24),
    Case("medium", 20_000, 40, 1),
    Case("million", 100_000, 40, 1),
)
"""From small to large."""


def case_named(name: str) -> Case:
    """Find one.

    Raises
    ------
    LookupError
        When there is none of that name, with the list of those there are.
    """
    return named("instance", name, CASES)
