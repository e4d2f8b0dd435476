"""``instance.toml``: the head of an instance."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeGuard

from optimizer.errors import InputError, Problem
from optimizer.instance.identity import faults_of, free_text_faults
from optimizer.instance.places import MAX_REASON, nearest, quoted, shown
from optimizer.instance.regular_file import decode_utf8, read_bytes
from optimizer.instance.rules import horizon_problems

FILE = "instance.toml"
FORMAT = 1
MAX_PERIODS = 1_000_000
MAX_BYTES = 2**16
MAX_LINE = 1000
"""Longest line: the TOML reader's memory grows with the square of the dots in one key."""

KEYS = ("format", "name", "title", "start", "period_hours", "periods", "limits", "policy")
LIMIT_KEYS = ("budget_usd",)
POLICY_KEYS = ("replicas_shared_by",)
SHARED_BY = ("model", "traffic_class", "workload")
"""Who shares the replicas of a model on a pool: all its workloads, those of a class, none."""
STAND_IN_START = datetime(2026, 1, 1, tzinfo=UTC)
START = "a date and time with a zone, such as 2026-05-04T00:00:00Z"


@dataclass(frozen=True)
class Manifest:
    """What ``instance.toml`` says.

    Attributes
    ----------
    name, title, start, period_hours, budget_usd, replicas_shared_by : as in Instance.
    periods : number of periods, which the wide tables must have; 0 when it is not known.
    """

    name: str
    title: str
    start: datetime
    period_hours: float
    periods: int
    budget_usd: float | None
    replicas_shared_by: str


def load_manifest(folder: Path) -> dict[str, Any]:
    """Read the TOML of ``instance.toml``.

    Raises
    ------
    InputError
        When the file is not a regular file of a sensible size with valid TOML.
    """
    text = decode_utf8(FILE, read_bytes(folder / FILE, MAX_BYTES))
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            raise InputError(
                Problem(f"{FILE}, line {number}", f"at most {MAX_LINE} characters", str(len(line)))
            )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(_invalid(str(error))) from None
    except RecursionError:
        raise InputError(Problem(FILE, "valid TOML", "tables nested too deep")) from None
    except ValueError as error:  # such as an hour of 25 in a date
        raise InputError(Problem(FILE, "valid TOML", shown(error, MAX_REASON))) from None


def refuse_newer(data: dict[str, Any]) -> None:
    """Stop when the format is a later one: its files are not judged by the rules of this one.

    Raises
    ------
    InputError
        When ``format`` is a whole number above :data:`FORMAT`.
    """
    version = data.get("format")
    if _is_int(version) and version > FORMAT:
        raise InputError(
            Problem(
                f"{FILE}, format",
                f"{FORMAT} or lower",
                shown(version),
                fix="the instance was written for a newer version",
            )
        )


def parse_manifest(data: dict[str, Any]) -> tuple[Manifest, list[Problem]]:
    """Check the keys and values of ``instance.toml``.

    Returns
    -------
    manifest : what it says; a key with a problem holds a stand-in, ``periods`` 0.
    problems : all of them.
    """
    problems: list[Problem] = []
    version = data.get("format")
    if not _is_int(version) or version != FORMAT:
        problems.append(_wrong("format", f"{FORMAT}", version))
    problems += _unknown("", data, KEYS)
    name = _name(data, problems)
    title = _title(data, problems)
    start = _start(data, problems)
    hours = _number(data, "period_hours", 1.0, problems, "hours")
    periods = data.get("periods")
    if not _is_int(periods) or not 1 <= periods <= MAX_PERIODS:
        problems.append(_wrong("periods", f"a whole number from 1 to {MAX_PERIODS}", periods))
        periods = 0
    for section, known in (("limits", LIMIT_KEYS), ("policy", POLICY_KEYS)):
        table = data.get(section, {})
        if not isinstance(table, dict):
            problems.append(_wrong(section, "a table", table))
            table = {}
        problems += _unknown(f"{section}.", table, known)
    limits = data.get("limits")
    budget = None
    if isinstance(limits, dict) and "budget_usd" in limits:
        budget = _number(limits, "budget_usd", 0.0, problems, "USD", prefix="limits.")
    problems += horizon_problems(FILE, start, hours, periods, budget)
    shared = _shared_by(data, problems)
    return Manifest(name, title, start, hours, periods, budget, shared), problems


def _invalid(reason: str) -> Problem:
    """Say where the TOML is wrong, the place taken out of the reader's sentence."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", reason, re.DOTALL)
    where = f"{FILE}, line {found[2]}, column {found[3]}" if found else FILE
    what = found[1] if found else reason
    twice = "overwrite" in what or "twice" in what
    return Problem(
        where, "valid TOML", shown(what, MAX_REASON), fix="is a name used twice?" if twice else ""
    )


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong(key: str, expected: str, value: object, unit: str = "") -> Problem:
    """Make the problem of a value; text is shown in quotes, numbers are not."""
    if value is None:
        found = "nothing"
    elif isinstance(value, str):
        found = quoted(value)
    else:
        found = shown(str(value).lower() if isinstance(value, bool) else value)
    return Problem(f"{FILE}, {key}", expected, found, unit)


def _unknown(prefix: str, table: Iterable[str], known: tuple[str, ...]) -> list[Problem]:
    listed = ", ".join(known) if known else "no key"
    return [
        Problem(
            f"{FILE}, {prefix}{shown(key)}",
            f"a known key ({listed})",
            quoted(key),
            fix=nearest(key, known),
        )
        for key in table
        if key not in known
    ]


def _name(table: dict[str, Any], problems: list[Problem]) -> str:
    value = table.get("name")
    fault = faults_of(value) if isinstance(value, str) else "text on one line"
    if fault:
        problems.append(_wrong("name", fault, value))
        return ""
    return str(value)


def _title(table: dict[str, Any], problems: list[Problem]) -> str:
    value = table.get("title", "")
    fault = free_text_faults(value, lines=False) if isinstance(value, str) else "text on one line"
    if fault:
        problems.append(_wrong("title", fault, value))
        return ""
    return str(value)


def _shared_by(data: dict[str, Any], problems: list[Problem]) -> str:
    policy = data.get("policy")
    value = policy.get("replicas_shared_by") if isinstance(policy, dict) else None
    if value is None:
        return "traffic_class"
    if value in SHARED_BY:
        return str(value)
    expected = "one of " + ", ".join(f'"{choice}"' for choice in SHARED_BY)
    problems.append(_wrong("policy.replicas_shared_by", expected, value))
    return "traffic_class"


def _start(table: dict[str, Any], problems: list[Problem]) -> datetime:
    value = table.get("start")
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment
    problems.append(_wrong("start", START, value))
    return STAND_IN_START


def _number(
    table: dict[str, Any],
    key: str,
    default: float,
    problems: list[Problem],
    unit: str,
    prefix: str = "",
) -> float:
    value = table.get(key, default)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            pass  # a whole number of more than 308 digits
    problems.append(_wrong(prefix + key, "a finite number", value, unit))
    return default
