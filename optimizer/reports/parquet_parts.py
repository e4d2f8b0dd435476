"""Parquet files written part by part: a table of any length needs the memory of a few parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from optimizer.instance.table import Table

PART_ROWS = 1 << 20
"""Rows of a part, and of a row group of the file."""
COMPRESSION: dict[str, Any] = {"compression": "zstd", "compression_level": 3}


def write_parts(path: Path, parts: Iterator[Table]) -> None:
    """Write a table that comes in parts, of which there is one at least."""
    first = next(parts).frame
    second = next(parts, None)
    if second is None:
        first.write_parquet(path, **COMPRESSION)
        return

    def frames(*_: object) -> Iterator[pl.DataFrame]:
        # Polars could ask for some of it only; for a file that is written it asks for all.
        yield first
        yield second.frame
        for part in parts:
            yield part.frame

    source = register_io_source(frames, schema=first.schema)
    source.sink_parquet(path, row_group_size=PART_ROWS, maintain_order=True, **COMPRESSION)
