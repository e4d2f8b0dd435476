"""The footer of a Parquet file: rows, columns, and how many bytes they have once unpacked.

It is read here and not by the Rust reader because a damaged footer can end the process that
reads it, and because polars does not tell the unpacked size: a cell of text may be of any
length. The footer is a Thrift struct in compact encoding; the few fields that matter are
picked out of it and the rest is stepped over.

Source: ``parquet.thrift`` of apache/parquet-format (FileMetaData, RowGroup), and
``doc/specs/thrift-compact-protocol.md`` of apache/thrift.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MAGIC = b"PAR1"
MAX_FOOTER_BYTES = 64 * 2**20
MAX_DEPTH = 32
DAMAGED = "a damaged footer"

# Field numbers of parquet.thrift.
_SCHEMA, _NUM_ROWS, _ROW_GROUPS = 2, 3, 4  # of FileMetaData
_TOTAL_BYTE_SIZE, _GROUP_ROWS = 2, 3  # of RowGroup
# Type numbers of the compact encoding.
_STOP, _TRUE, _FALSE, _BYTE, _I64, _DOUBLE, _BINARY = 0, 1, 2, 3, 6, 7, 8
_LIST, _SET, _STRUCT = 9, 10, 12


@dataclass(frozen=True)
class Announced:
    """What a footer says of its file.

    Attributes
    ----------
    rows : number of rows.
    columns : number of columns; parts of nested ones count too.
    unpacked : bytes of all row groups after unpacking.
    """

    rows: int
    columns: int
    unpacked: int


def read_footer(path: Path) -> Announced:
    """Read what the footer announces, and nothing else of the file.

    Raises
    ------
    ValueError
        When the file has no footer that can be read.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        if size < 12:
            raise ValueError(f"a file of {size} bytes")
        stream.seek(size - 8)
        tail = stream.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != MAGIC:
            raise ValueError("no PAR1 at the end of the file")
        if length > min(size - 12, MAX_FOOTER_BYTES):
            raise ValueError(f"a footer of {length} bytes in a file of {size}")
        stream.seek(size - 8 - length)
        footer = stream.read(length)
    try:
        return _Walk(footer).file()
    except (IndexError, RecursionError):
        raise ValueError(DAMAGED) from None


class _Walk:
    """One pass over a Thrift struct, from its first byte to the fields that matter."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def file(self) -> Announced:
        """Take the fields of FileMetaData."""
        rows = columns = group_rows = unpacked = field = 0
        while True:
            field, kind = self._field(field)
            if kind == _STOP:
                return Announced(max(rows, group_rows), max(columns, 0), unpacked)
            if field == _NUM_ROWS and kind == _I64:
                rows = self._integer()
            elif field == _SCHEMA and kind == _LIST:
                # The first element is the table itself.
                columns = self._skip_list(0) - 1
            elif field == _ROW_GROUPS and kind == _LIST:
                count, element = self._list_head()
                if element != _STRUCT:
                    raise ValueError(DAMAGED)
                for _ in range(count):
                    size, more = self._row_group()
                    unpacked, group_rows = unpacked + size, group_rows + more
            else:
                self._skip(kind, 0)

    def _row_group(self) -> tuple[int, int]:
        """Unpacked size and rows of one row group; negative numbers count as none."""
        size = rows = field = 0
        while True:
            field, kind = self._field(field)
            if kind == _STOP:
                return max(size, 0), max(rows, 0)
            if field == _TOTAL_BYTE_SIZE and kind == _I64:
                size = self._integer()
            elif field == _GROUP_ROWS and kind == _I64:
                rows = self._integer()
            else:
                self._skip(kind, 0)

    def _field(self, last: int) -> tuple[int, int]:
        """Read number and type of the next field; numbers are coded as steps from the last."""
        head = self.data[self.at]
        self.at += 1
        kind, step = head & 15, head >> 4
        if kind != _STOP and step == 0:
            return self._integer(), kind
        return last + step, kind

    def _list_head(self) -> tuple[int, int]:
        head = self.data[self.at]
        self.at += 1
        count = head >> 4
        if count == 15:
            count = self._varint()
        # Each element takes a byte or more, so that a longer list is a lie.
        if count > len(self.data) - self.at:
            raise ValueError(DAMAGED)
        return count, head & 15

    def _integer(self) -> int:
        """Read a signed number: the lowest bit of the coded one is the sign."""
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _varint(self) -> int:
        data, at, value, shift = self.data, self.at, 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                self.at = at
                return value
            shift += 7
            if shift > 70:
                raise ValueError(DAMAGED)

    def _skip(self, kind: int, depth: int) -> None:
        """Step over a value of this type that is a field of a struct."""
        if depth > MAX_DEPTH:
            raise ValueError(DAMAGED)
        if kind in (_TRUE, _FALSE):
            return  # the value of a flag is its type
        if kind == _BYTE:
            self.at += 1
        elif kind <= _I64:
            self._varint()
        elif kind == _DOUBLE:
            self.at += 8
        elif kind == _BINARY:
            length = self._varint()  # reading it moves on as well
            self.at += length
        elif kind in (_LIST, _SET):
            self._skip_list(depth)
        elif kind == _STRUCT:
            while True:
                _, inner = self._field(0)
                if inner == _STOP:
                    return
                self._skip(inner, depth + 1)
        else:
            raise ValueError(DAMAGED)  # maps do not occur in Parquet

    def _skip_list(self, depth: int) -> int:
        """Step over a list or set and say how many elements it has."""
        count, element = self._list_head()
        for _ in range(count):
            # Flags in a list take a byte each, other than as fields.
            self._skip(_BYTE if element in (_TRUE, _FALSE) else element, depth + 1)
        return count
