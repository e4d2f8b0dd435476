"""Labels: a column of repeated text kept as codes into its distinct values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Labels:
    """Text values of one axis, each distinct value stored once.

    Attributes
    ----------
    names : the distinct values, sorted by code point.
    codes : per entry of the axis, the index of its value in ``names``.
    """

    names: tuple[str, ...]
    codes: Codes

    @classmethod
    def of(cls, values: Iterable[str]) -> Labels:
        """Collect text values, in axis order, into labels."""
        listed = list(values)
        names = tuple(sorted(set(listed)))
        index = {name: code for code, name in enumerate(names)}
        codes = np.fromiter((index[v] for v in listed), np.int32, len(listed))
        codes.flags.writeable = False
        return cls(names, codes)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, position: int) -> str:
        return self.names[int(self.codes[position])]

    def values(self) -> list[str]:
        """All values as text, in axis order."""
        return [self.names[code] for code in self.codes.tolist()]

    def equal(self, value: str) -> Mask:
        """Where the axis has exactly this value."""
        code = self.names.index(value) if value in self.names else -1
        return np.asarray(self.codes == code)

    def compact(self) -> Labels:
        """The same without names that no entry has."""
        if len(self.names) == 1 and len(self.codes):
            return self
        if bool((np.bincount(self.codes, minlength=len(self.names)) > 0).all()):
            return self
        used, codes = np.unique(self.codes, return_inverse=True)
        return Labels(tuple(self.names[code] for code in used.tolist()), codes.astype(np.int32))

    def take(self, positions: NDArray[np.int64] | Sequence[int]) -> Labels:
        """Keep the entries at these positions, in this order; names left unused go."""
        return Labels(self.names, self.codes[np.asarray(positions, np.int64)]).compact()
