"""What a peer answers: amounts, its own claim, and seconds by phase. NumPy only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

PHASES = ("build", "solve", "extract")


class Clock:
    """Wall-clock seconds of building, solving and reading the answer back.

    Attributes
    ----------
    seconds : by phase.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count what is inside; a phase may come again."""
        begun = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - begun

    def add(self, name: str, seconds: float) -> None:
        """Count what was measured elsewhere."""
        self.seconds[name] += seconds


@dataclass(frozen=True, eq=False)
class Answer:
    """A peer's raw answer: nothing is repaired, rounded or cut off.

    Attributes
    ----------
    claim : the status it reports, in its own words.
    placed : (R, T) Mtok.
    given_up : (W, T) Mtok.
    prices : (P, T) USD saved per chip-hour more, where it has duals; they prove a bound,
        whatever they are, once those below 0 are taken as 0.
    notes : figures worth keeping, as iterations.
    """

    claim: str
    placed: Float
    given_up: Float
    prices: Float | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the arrays."""
        arrays = {"placed": self.placed, "given_up": self.given_up}
        if self.prices is not None:
            arrays["prices"] = self.prices
        words = np.array(json.dumps({"claim": self.claim, "notes": self.notes}))
        np.savez(path, words=words, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Answer:
        """Read what :meth:`save` wrote."""
        with np.load(path) as file:
            words = json.loads(str(file["words"]))
            prices = file.get("prices")
            return cls(words["claim"], file["placed"], file["given_up"], prices, words["notes"])


def joined(parts: list[Answer]) -> Answer:
    """Answers of single periods as one."""
    prices = [part.prices for part in parts if part.prices is not None]
    return Answer(
        ", ".join(dict.fromkeys(part.claim for part in parts)),
        np.concatenate([part.placed for part in parts], axis=1),
        np.concatenate([part.given_up for part in parts], axis=1),
        np.concatenate(prices, axis=1) if len(prices) == len(parts) else None,
        parts[0].notes,
    )
