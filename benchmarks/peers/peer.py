"""What a peer is: a file among the entrants, its environment, and its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One way to the answer.

    Attributes
    ----------
    name : as on the command line.
    title : what it is, in a few words.
    entrant : module in ``benchmarks/peers/entrants``.
    environment : list of packages in ``benchmarks/peers/requirements``, or own.
    package : the one whose version is told.
    options : handed to the entrant.
    by_period : it is given one period after the other, as a user might who sees that nothing
        couples them.
    remote : processes of its processes do the work, so that only the watch sees their CPU.
    warm : it solves something tiny first, so that loading and compiling count for nobody.
    """

    name: str
    title: str
    entrant: str
    environment: str
    package: str
    options: Mapping[str, str | float] = field(default_factory=dict)
    by_period: bool = False
    remote: bool = False
    warm: bool = True
