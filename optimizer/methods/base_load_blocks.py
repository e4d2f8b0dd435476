"""Which blocks the greedy plan buys: those that replace dearer chips, and orders worth a try."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance
from optimizer.model.costs import block_usd, usage_usd_per_chip_hour
from optimizer.model.offer import block_chips

Float = NDArray[np.float64]


def blocks_below(instance: Instance, held: Float) -> Float:
    """(C,) blocks of each contract that make a plan cheaper as it is.

    They bring no chips that the plan would use beyond those it has: what is held on on_demand and
    spot pools is covered by blocks where that is cheaper, contract by contract, those with the
    lowest price first. Of each contract the number is taken that saves most.

    Parameters
    ----------
    held : (P, T) chip-hours held.
    """
    table = instance.contracts
    price = usage_usd_per_chip_hour(instance)
    chips, usd = block_chips(instance) * instance.period_hours, block_usd(instance).sum(axis=1)
    bare = held.copy()
    bought = np.zeros(len(table.contract))
    for contract in np.argsort(table.usd_per_chip_hour, kind="stable").tolist():
        pool, most = int(table.pool[contract]), float(table.max_blocks[contract])
        force = chips[contract] > 0
        if most == 0 or not bool(force.any()) or not bool(price[pool, force].any()):
            continue
        one = float(chips[contract, force][0])
        # What is saved is linear between the numbers that just cover some period.
        covers = bare[pool, force] / one
        counts = np.unique(np.clip(np.concatenate([np.floor(covers), np.ceil(covers)]), 0, most))
        covered = np.minimum(counts[:, None] * one, bare[pool, force][None, :])
        saved = covered @ price[pool, force] - counts * usd[contract]
        saved -= np.where(counts > 0, table.activation_usd[contract], 0.0)
        best = int(np.argmax(saved))
        if saved[best] > 0:
            bought[contract] = counts[best]
            bare[pool, force] = bare[pool, force] - covered[best]
    return bought


def orders(instance: Instance, bought: Float) -> Iterator[Float]:
    """(C,) blocks to try: of one contract at a time all, half of them, and so on down to one.

    The contract with the lowest price first; none that would lower what is bought.
    """
    table = instance.contracts
    on_offer = (table.max_blocks > 0) & (block_chips(instance) > 0).any(axis=1)
    for contract in np.argsort(table.usd_per_chip_hour, kind="stable").tolist():
        count = int(table.max_blocks[contract]) if on_offer[contract] else 0
        while count > bought[contract]:
            order = np.zeros(len(on_offer))
            order[contract] = count
            yield order
            count //= 2
