"""Rules for names: what may be an id, and which ids people would confuse."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from optimizer.instance.places import quoted

MAX_ID = 256
"""Longest id, in characters."""
MAX_FREE_TEXT = 10_000
"""Longest free text, such as a note, in characters."""

# Characters that draw nothing, or that turn the text around them: two ids that differ
# only in these look the same in every table and every report.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Joiners are legal between letters of several scripts and inside emoji.
_JOINERS = {"\u200c", "\u200d"}
# What a name may hold without being drawn: joiners, variation selectors, CGJ.
_UNDRAWN = dict.fromkeys([0x200C, 0x200D, 0x034F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])


def faults_of(name: str) -> str:
    """Say what a name should have been, in words; empty when it is sound."""
    if not name or name.isspace():
        return "a name that is not blank"
    if len(name) > MAX_ID:
        return f"a name of at most {MAX_ID} characters"
    if not _printable(name):
        return "a name without control, zero-width or direction characters"
    return ""


def all_plain(names: Sequence[str]) -> bool:
    """Whether every name is surely sound; false also where that takes a closer look.

    For names by the million: nothing here is done name by name in Python.
    """
    if not names:
        return True
    printable = all(map(str.isascii, names)) and all(map(str.isprintable, names))
    short = max(map(len, names)) <= MAX_ID and min(map(len, names)) > 0
    return printable and short and not any(map(str.isspace, names))


def free_text_faults(text: str, *, lines: bool) -> str:
    """Say what free text should have been, in words; empty when it is sound.

    Parameters
    ----------
    lines : whether it may go over several lines.
    """
    if len(text) > MAX_FREE_TEXT:
        return f"text of at most {MAX_FREE_TEXT} characters"
    if lines:
        # A CSV cell that was typed in a spreadsheet ends its lines as the sheet does.
        text = text.replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
    if not _printable(text):
        return "text without control, zero-width or direction characters"
    return ""


def folded(name: str) -> str:
    """Fold a name to what a hurried reader sees: compatibility form, no case, trimmed."""
    if name.isascii():
        return name.strip().lower()
    plain = unicodedata.normalize("NFKC", name.translate(_UNDRAWN)).casefold()
    # Folding the case can leave letters decomposed again.
    return unicodedata.normalize("NFKC", plain).strip()


def clashes(names: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Pairs of rows with the same or a confusable name.

    Yields
    ------
    first, second : positions of the earlier and the later row.
    what : what was expected of the later one, in words.
    """
    if all_plain(names) and len(set(map(str.lower, map(str.strip, names)))) == len(names):
        return
    seen: dict[str, int] = {}
    for position, name in enumerate(names):
        key = folded(name)
        if not key:
            continue  # blank names are reported as such
        first = seen.setdefault(key, position)
        if first == position:
            continue
        if names[first] == name:
            yield first, position, "a name that is not used twice"
        else:
            yield first, position, f"a name that cannot be confused with {quoted(names[first])}"


def _printable(text: str) -> bool:
    if text.isascii():
        return text.isprintable()
    bad = (c for c in text if unicodedata.category(c) in _INVISIBLE and c not in _JOINERS)
    return next(bad, None) is None
