"""The footer of a Parquet file: how many bytes its columns have once unpacked.

Polars tells rows and columns from the footer, but not the unpacked size, and a cell of
text may be of any length. The footer is a Thrift struct in compact encoding; the few
fields that matter are picked out of it here and the rest is stepped over.

Source: ``parquet.thrift`` of apache/parquet-format (FileMetaData, RowGroup), and
``doc/specs/thrift-compact-protocol.md`` of apache/thrift.
"""

from __future__ import annotations

from pathlib import Path

MAGIC = b"PAR1"
MAX_FOOTER_BYTES = 64 * 2**20
MAX_DEPTH = 32

# Field numbers of parquet.thrift.
_ROW_GROUPS, _TOTAL_BYTE_SIZE = 4, 2
# Type numbers of the compact encoding.
_STOP, _TRUE, _FALSE, _BYTE, _I64, _DOUBLE, _BINARY = 0, 1, 2, 3, 6, 7, 8
_LIST, _SET, _STRUCT = 9, 10, 12


def unpacked_bytes(path: Path) -> int:
    """Bytes of all row groups after unpacking, as the footer announces them.

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
        return _Walk(footer).total()
    except (IndexError, RecursionError):
        raise ValueError("a damaged footer") from None


class _Walk:
    """One pass over a Thrift struct, from its first byte to the fields that matter."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def total(self) -> int:
        """Sum of ``total_byte_size`` over the row groups."""
        total, field = 0, 0
        while True:
            field, kind = self._field(field)
            if kind == _STOP:
                return total
            if field == _ROW_GROUPS and kind == _LIST:
                count, element = self._list_head()
                if element != _STRUCT:
                    raise ValueError("a damaged footer")
                for _ in range(count):
                    total += self._row_group()
            else:
                self._skip(kind, 0)

    def _row_group(self) -> int:
        """Unpacked size of one row group; negative sizes count as none."""
        found, field = 0, 0
        while True:
            field, kind = self._field(field)
            if kind == _STOP:
                return found
            if field == _TOTAL_BYTE_SIZE and kind == _I64:
                number = self._varint()
                found = max((number >> 1) ^ -(number & 1), 0)
            else:
                self._skip(kind, 0)

    def _field(self, last: int) -> tuple[int, int]:
        """Read number and type of the next field; numbers are coded as steps from the last."""
        head = self.data[self.at]
        self.at += 1
        kind, step = head & 15, head >> 4
        if kind != _STOP and step == 0:
            number = self._varint()
            return (number >> 1) ^ -(number & 1), kind
        return last + step, kind

    def _list_head(self) -> tuple[int, int]:
        head = self.data[self.at]
        self.at += 1
        count = head >> 4
        if count == 15:
            count = self._varint()
        # Each element takes a byte or more, so that a longer list is a lie.
        if count > len(self.data) - self.at:
            raise ValueError("a damaged footer")
        return count, head & 15

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
                raise ValueError("a damaged footer")

    def _skip(self, kind: int, depth: int) -> None:
        """Step over a value of this type that is a field of a struct."""
        if depth > MAX_DEPTH:
            raise ValueError("a damaged footer")
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
            count, element = self._list_head()
            for _ in range(count):
                # Flags in a list take a byte each, other than as fields.
                self._skip(_BYTE if element in (_TRUE, _FALSE) else element, depth + 1)
        elif kind == _STRUCT:
            while True:
                _, inner = self._field(0)
                if inner == _STOP:
                    return
                self._skip(inner, depth + 1)
        else:
            raise ValueError("a damaged footer")  # maps do not occur in Parquet
