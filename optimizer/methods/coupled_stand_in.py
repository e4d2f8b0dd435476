"""A plan at the prices at hand that keeps every limit, when there was no time for a better one.

Nobody waits: everyone takes the cheapest way with room in the pool. Where that breaks another
limit, what counts towards it is cut in proportion and the rest given up. A cut may break a limit on
shares elsewhere, so that cuts go round until every limit holds. A limit that asks for more than
was placed, as a share of what is spent beside what is reserved, no cut can mend: its price is
raised and all are placed anew.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.methods.coupled_market import CoupledMarket, Multipliers
from optimizer.methods.overflow import Placements, placed_at_prices

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

MOST_ROUNDS = 300
"""Rounds of cuts after which nothing is placed."""
MOST_TRIES = 10
"""Times that all are placed."""
FIRST, LONGER = 1e-2, 4.0
"""Price of a limit that asks for more, as a part of what it takes for a typical Mtok to follow it;
and times as much in the next try."""
FEW = 10_000
"""Routes that say what a typical Mtok is."""
ROUNDING = 1e-9
"""Part of what counts towards a limit that is cut beyond need."""
BROKEN = 1e-10
"""The same by which a limit must be passed to be cut again."""


def stand_in(coupled: CoupledMarket, at: Multipliers, threads: int) -> Placements:
    """Placements that keep every limit, as far as tries go.

    Parameters
    ----------
    at : prices on all rows.
    """
    market, extra = coupled.market, coupled.coupling.extra
    periods, pools = np.arange(market.num_periods), len(market.capacity)
    for _ in range(MOST_TRIES):
        change = coupled.change(at)
        # What a Mtok counts in limits has a price of its own in each period: here the usual one.
        usd = market.usd + change[pools:].mean(axis=1) @ extra
        made = placed_at_prices(replace(market, usd=usd), change[:pools], periods, threads)
        part, short = kept_part(coupled, made)
        if not bool(short.any()):
            break
        at = _raised(coupled, at, short)
    return made.scaled(market, part)


def kept_part(coupled: CoupledMarket, placed: Placements) -> tuple[Float, Bool]:
    """What may stay, (P, T) part of each pool, and (K + J,) limits that no cut can mend.

    Nothing may stay while there are such limits.
    """
    amounts = _amounts(coupled, placed)
    each = len(coupled.coupling.each_limit)
    limits = [*coupled.coupling.each_limit, *coupled.coupling.whole_limit]
    part, short = np.ones(coupled.market.capacity.shape), np.zeros(len(limits), np.bool_)
    for _ in range(MOST_ROUNDS):
        broken = False
        for number, (amount, limit) in enumerate(zip(amounts, limits, strict=True)):
            axis = None if number >= each else 0
            used = amount * part
            more = np.maximum(used, 0.0).sum(axis=axis)
            room = limit - np.minimum(used, 0.0).sum(axis=axis)
            cut = more - room > BROKEN * more
            if not bool(np.any(cut)):
                continue
            broken = True
            short[number] = bool(np.any(room < 0))
            ratio = np.where(cut, room / np.where(more > 0, more, 1.0) * (1 - ROUNDING), 1.0)
            part = np.where(amount > 0, part * np.maximum(ratio, 0.0), part)
        if short.any():
            break
        if not broken:
            return part, short
    return np.zeros_like(part), short


def _raised(coupled: CoupledMarket, at: Multipliers, which: Bool) -> Multipliers:
    """Higher prices on some of the limits that are not those of pools."""
    market, pools = coupled.market, len(coupled.market.capacity)
    routes = np.arange(0, len(market.hours), 1 + len(market.hours) // FEW, dtype=np.int32)
    counts = np.abs(coupled.counted(0, routes)).sum(axis=1) / max(len(routes), 1)
    worth = float(np.repeat(market.scale, np.diff(market.first)).mean())
    least = FIRST * worth / np.where(counts > 0, counts, 1.0)
    each, whole = at.each.copy(), at.whole.copy()
    split = len(each) - pools
    few, over = which[:split], which[split:]
    rows = pools + np.flatnonzero(few)
    each[rows] = np.maximum(each[rows] * LONGER, least[:split][few][:, None])
    whole[over] = np.maximum(whole[over] * LONGER, least[split:][over])
    return Multipliers(each, whole)


def _amounts(coupled: CoupledMarket, placed: Placements) -> Float:
    """(K + J, P, T) what is placed on each pool counts in each limit but those of pools."""
    market, pools = coupled.market, len(coupled.market.capacity)
    rows = coupled.rows[:, pools:]
    amounts = rows[:, :, :pools].transpose(1, 2, 0) * placed.load(market)
    cell = market.pool[placed.route] * np.int64(market.num_periods) + placed.period
    size = market.capacity.size
    for place, extra in enumerate(coupled.coupling.extra, start=pools):
        counted = np.bincount(cell, extra[placed.route] * placed.mtok, size)
        amounts += rows[:, :, place].T[:, None, :] * counted.reshape(market.capacity.shape)
    return np.asarray(amounts)
