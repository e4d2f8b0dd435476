"""What to know about a route that was derived: bits, and the words for them."""

from __future__ import annotations

ESTIMATED = 1
BEYOND_RANGE = 2
BEYOND_TABLE = 4
MEMORY_LIMITED = 8
UNCHECKED = 16
MEANS_ONLY = 32
BEYOND_DOMAIN = 64
UNTRUSTED = 128

OF_THE_PROFILE = BEYOND_RANGE | BEYOND_DOMAIN
"""Bits that say something of measured rates as well."""

WORDS: dict[int, str] = {
    ESTIMATED: "estimated",
    BEYOND_RANGE: "beyond the lengths the profile holds for",
    BEYOND_TABLE: "beyond the measured lengths, by the times of the profile",
    MEMORY_LIMITED: "batch cut to what memory holds",
    UNCHECKED: "promise not checked: the measured table has no times",
    MEANS_ONLY: "percentile not checked: the measured table has means",
    BEYOND_DOMAIN: "replica larger than the fast network of its chips",
    UNTRUSTED: "queue outside the range its formulas were checked in",
}
"""Meaning of each bit, in the order in which they are told."""


def words(flags: int) -> list[str]:
    """Say what the bits of a route mean."""
    return [text for bit, text in WORDS.items() if flags & bit]
