"""A table handed to the user: named columns that any data library can take over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["Table"]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length.

    Any library that speaks the Arrow PyCapsule interface takes it as it is:
    ``pyarrow.table(t)``, ``polars.DataFrame(t)``, ``duckdb.from_arrow(t)``.

    Attributes
    ----------
    frame : the columns.
    """

    frame: pl.DataFrame

    @classmethod
    def of(cls, **columns: Any) -> Table:
        """Make a table from columns by name: arrays, lists or polars series."""
        import polars as pl

        return cls(pl.DataFrame(dict(columns)))

    @staticmethod
    def names(names: Sequence[str] | pl.Series, codes: NDArray[np.int32]) -> pl.Series:
        """A text column from positions in a list of names, or in :func:`text_of` it."""
        return text_of(names).gather(codes)

    def __len__(self) -> int:
        return self.frame.height

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return self.frame.columns

    def to_dict(self) -> Mapping[str, list[Any]]:
        """Columns as lists."""
        return self.frame.to_dict(as_series=False)

    def to_polars(self) -> pl.DataFrame:
        """The table as a polars frame."""
        return self.frame

    def to_pandas(self) -> pd.DataFrame:
        """The table as a pandas frame; needs pandas, which comes with OR-Tools."""
        import pandas as pd

        return pd.DataFrame(
            {
                name: self.frame[name].to_list()
                if self.frame[name].dtype.is_nested() or not self.frame[name].dtype.is_numeric()
                else self.frame[name].to_numpy()
                for name in self.frame.columns
            }
        )

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow stream capsule (the PyCapsule interface)."""
        return self.frame.__arrow_c_stream__(requested_schema)


def text_of(names: Sequence[str] | pl.Series) -> pl.Series:
    """A list of names as a column of text."""
    import polars as pl

    return names if isinstance(names, pl.Series) else pl.Series(list(names), dtype=pl.String)
