"""Chips on offer: those that a pool has and the blocks that may be bought for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.instance.instance import Instance

Float = NDArray[np.float64]


def block_chips(instance: Instance) -> Float:
    """(C, T) chips that one block adds; 0 out of force and for pools that are left out."""
    table = instance.contracts
    real = instance.contract_in_force & ~instance.left_out[table.pool][:, None]
    return np.where(real, table.block_chips[:, None], 0.0)


def bought_chips(instance: Instance, blocks: Float) -> Float:
    """(P, T) chips that so many blocks of each contract, (C,), add to each pool."""
    bought = np.zeros(instance.capacity_chips.shape)
    if len(blocks):
        np.add.at(bought, instance.contracts.pool, block_chips(instance) * blocks[:, None])
    return bought


def most_block_chips(instance: Instance) -> Float:
    """(P, T) chips that all blocks on offer together would add."""
    return bought_chips(instance, instance.contracts.max_blocks.astype(np.float64))


def chips_on_offer(instance: Instance) -> Float:
    """(P, T) chips that could be used at most, whatever is bought."""
    return np.asarray(instance.capacity_chips + most_block_chips(instance))
