"""Options and their types that several subcommands share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click


class Number(click.ParamType[float]):
    """A number in a range; NaN is none, and infinity only where it means "no limit"."""

    name = "number"

    def __init__(self, low: float, high: float = math.inf, *, open_high: bool = False) -> None:
        self.low, self.high, self.open_high = low, high, open_high

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Parse and check."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            self.fail(f"expected a number, got {value!r}", param, ctx)
        below = number < self.high if self.open_high else number <= self.high
        if not (number >= self.low and below):
            upper = "" if self.high == math.inf else f" and {'<' if self.open_high else '<='} "
            upper += "" if self.high == math.inf else f"{self.high:g}"
            self.fail(f"expected a number >= {self.low:g}{upper}, got {value}", param, ctx)
        return number


class PoolPrice(click.ParamType[tuple[str, float]]):
    """``POOL=USD``: a price in USD per chip-hour for a pool."""

    name = "pool=usd"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Split at the last equals sign, since names may hold some."""
        pool, sign, usd = str(value).rpartition("=")
        if not sign or not pool:
            self.fail(f"expected POOL=USD, got {value!r}", param, ctx)
        return pool, Number(0.0, 1e6).convert(usd, param, ctx)


instance_argument = click.argument("instance", type=click.Path(path_type=Path), metavar="INSTANCE")
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object on standard output and nothing else.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
price_option = click.option(
    "--price",
    "prices",
    type=PoolPrice(),
    multiple=True,
    metavar="POOL=USD",
    help="Price of a pool in USD per chip-hour, for a pool whose price is not known or "
    "to try another one. May be given several times.",
)
