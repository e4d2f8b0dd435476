"""What every format is read into: rows of requests, of one kind of traffic each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import InputError, Problem

MAX_KINDS = 20_000
"""Most kinds of traffic; more are a sign that a column of ids was taken for a label."""

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """What tells one stream of requests from another; text that is not known is empty.

    Attributes
    ----------
    name : name of the workload, or of the file.
    model, traffic_class, region : as in the table workloads.
    """

    name: str = ""
    model: str = ""
    traffic_class: str = ""
    region: str = ""


class Kinds:
    """Kinds in the order in which they were met; a kind's code is its position."""

    def __init__(self) -> None:
        self._codes: dict[Kind, int] = {}

    def code(self, kind: Kind) -> int:
        """Position of a kind, new or known.

        Raises
        ------
        InputError
            When there are more than :data:`MAX_KINDS`.
        """
        if kind not in self._codes and len(self._codes) >= MAX_KINDS:
            raise InputError(
                Problem(
                    "trace",
                    f"at most {MAX_KINDS} kinds of traffic",
                    "more",
                    fix="is a column of ids taken for a label?",
                )
            )
        return self._codes.setdefault(kind, len(self._codes))

    def all(self) -> list[Kind]:
        """All of them, in order of their codes."""
        return list(self._codes)


@dataclass(frozen=True, eq=False)
class Requests:
    """Some rows of a trace, along one axis.

    Attributes
    ----------
    time_ns : nanoseconds since 1970 in UTC.
    kind : code of the kind.
    count : requests of the row, 1 in traces of single requests.
    input_tokens, output_tokens : per request; NaN where the trace does not say.
    cached_tokens : part of the input that a prompt cache answers, per request.
    """

    time_ns: NDArray[np.int64]
    kind: NDArray[np.int32]
    count: Float
    input_tokens: Float
    output_tokens: Float
    cached_tokens: Float
