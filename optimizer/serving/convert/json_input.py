"""JSON of other programs, read with the place of whatever is wrong."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.errors import InputError, OutputError, Problem
from optimizer.instance.places import MAX_REASON, quoted, shown


def load(path: Path) -> Entry:
    """Read a file whose outermost value is an object.

    Raises
    ------
    OutputError
        When it cannot be read.
    InputError
        When it is no such JSON.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(Problem(path.name, "JSON", shown(error, MAX_REASON))) from None
    return Entry(path.name, value).as_object()


@dataclass(frozen=True)
class Entry:
    """A value and where it stands: ``model-data.json, models[3].decodeParms.alpha``."""

    place: str
    value: Any

    def as_object(self) -> Entry:
        """Give it back if it is an object."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return self

    def __contains__(self, key: str) -> bool:
        """Whether the object has a key."""
        return key in self.value

    def at(self, key: str) -> Entry:
        """Value of a key that must be there."""
        joint = "." if "," in self.place else ", "
        found = Entry(f"{self.place}{joint}{key}", self.value.get(key))
        if key not in self.value:
            raise found.wrong("a value")
        return found

    def objects(self, key: str) -> list[Entry]:
        """Objects in a list."""
        found = self.at(key)
        if not isinstance(found.value, list) or not found.value:
            raise found.wrong("a list of objects")
        return [
            Entry(f"{found.place}[{row}]", value).as_object()
            for row, value in enumerate(found.value)
        ]

    def text(self, key: str) -> str:
        """Text that is not empty."""
        found = self.at(key)
        if not isinstance(found.value, str) or not found.value:
            raise found.wrong("text")
        return found.value

    def number(self, key: str, *, least: float = 0.0, default: float | None = None) -> float:
        """Finite number."""
        if default is not None and key not in self.value:
            return default
        return self.at(key).as_number(least)

    def as_number(self, least: float = 0.0) -> float:
        """Give the number that it is."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(f"a number >= {least:g}")
        if not math.isfinite(value) or value < least:
            raise self.wrong(f"a number >= {least:g}")
        return float(value)

    def numbers(self) -> list[float]:
        """Give the numbers of a list."""
        if not isinstance(self.value, list) or not self.value:
            raise self.wrong("a list of numbers")
        return [Entry(f"{self.place}[{i}]", v).as_number() for i, v in enumerate(self.value)]

    def wrong(self, expected: str) -> InputError:
        """Make the error of a value that is not what it should be."""
        got = "nothing" if self.value is None else quoted(self.value)
        return InputError(Problem(self.place, expected, got))


def known(place: Entry, key: str, names: dict[str, Any]) -> Any:
    """What a name stands for.

    Raises
    ------
    InputError
        When it stands for nothing, with the nearest name that does.
    """
    from optimizer.instance.groups import unknown_name

    name = place.text(key)
    if name not in names:
        raise InputError(unknown_name(place.at(key).place, key, name, names))
    return names[name]
