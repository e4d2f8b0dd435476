"""How figures are written for people: units, separators, columns."""

from __future__ import annotations

from collections.abc import Sequence


def usd(value: float) -> str:
    """Money to the cent."""
    return f"{value + 0.0:,.2f} USD"


def usd_short(value: float) -> str:
    """Money to four digits: ``171.3 M USD``."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.4g} {letter} USD"
    return f"{value + 0.0:,.4g} USD"


def mtok(value: float) -> str:
    """Tokens in the largest unit that fits: M, G, T."""
    for size, letter in ((1e6, "T"), (1e3, "G")):
        if abs(value) >= size:
            return f"{value / size:,.4g} {letter}tok"
    return f"{value + 0.0:,.4g} Mtok"


def percent(part: float) -> str:
    """A fraction as a percentage with one decimal."""
    return "-" if part != part else f"{100 * part:.1f} %"


def columns(rows: Sequence[Sequence[str]], left: int) -> str:
    """Rows as aligned columns, the first ``left`` to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
