"""A cache of prompt blocks of bounded size, the least recently used of which go first.

Blocks that are held are nodes of a doubly linked list, the newest first, found through a table
with linear probing (D. E. Knuth, "The Art of Computer Programming", volume 3, section 6.4,
algorithms L and R: what a removal leaves behind is moved up, so that no marks are needed).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.kernels.jit import inner, kernel

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

NEWEST, OLDEST, COUNT = 0, 1, 2


@kernel
def ask_prefixes(
    starts: Int64,
    keys: Int64,
    table: Int32,
    held: Int64,
    newer: Int32,
    older: Int32,
    ends: Int64,
) -> Int64:
    """Blocks at the beginning of each prompt that are held; holds all of its blocks afterwards.

    The blocks of a prompt are touched from its end, so that its first ones, without which the
    others are no use, are the newest. Axes: N prompts, B blocks of them, C nodes, S slots.

    Parameters
    ----------
    starts : (N + 1,) where each prompt's blocks begin.
    keys : (B,) hash of each block.
    table : (S,) node in each slot, -1 where there is none; S is a power of two >= 2 C.
    held : (C,) hash of each node.
    newer, older : (C,) neighbours in the list, -1 at its ends.
    ends : (3,) newest node, oldest node, number of nodes in use.

    Returns
    -------
    (N,) number of blocks found before the first one that is not held.
    """
    found = np.zeros(len(starts) - 1, np.int64)
    for prompt in range(len(found)):
        first, stop = starts[prompt], starts[prompt + 1]
        at = first
        while at < stop and table[_place(table, held, keys[at])] >= 0:
            at += 1
        found[prompt] = at - first
        for block in range(stop - 1, first - 1, -1):
            key = keys[block]
            node = int(table[_place(table, held, key)])
            if node >= 0:
                _unlink(node, newer, older, ends)
            else:
                if ends[COUNT] < len(held):
                    node = int(ends[COUNT])
                    ends[COUNT] += 1
                else:
                    node = int(ends[OLDEST])
                    _unlink(node, newer, older, ends)
                    _remove(table, held, _place(table, held, held[node]))
                held[node] = key
                table[_place(table, held, key)] = node
            newer[node] = -1
            older[node] = ends[NEWEST]
            if ends[NEWEST] >= 0:
                newer[ends[NEWEST]] = node
            else:
                ends[OLDEST] = node
            ends[NEWEST] = node
    return found


@inner
def _home(key: int, slots: int) -> int:
    """Slot where the search for a key begins."""
    return (key ^ (key >> 17) ^ (key >> 34)) & (slots - 1)


@inner
def _place(table: Int32, held: Int64, key: int) -> int:
    """Slot of a key, or the free one where it would be put."""
    slot = _home(key, len(table))
    while table[slot] >= 0 and held[table[slot]] != key:
        slot = (slot + 1) & (len(table) - 1)
    return slot


@inner
def _remove(table: Int32, held: Int64, slot: int) -> None:
    """Empty a slot; those behind it that were pushed on move up."""
    mask = len(table) - 1
    hole, at = slot, (slot + 1) & mask
    while table[at] >= 0:
        home = _home(held[table[at]], len(table))
        if ((at - home) & mask) >= ((at - hole) & mask):
            table[hole] = table[at]
            hole = at
        at = (at + 1) & mask
    table[hole] = -1


@inner
def _unlink(node: int, newer: Int32, older: Int32, ends: Int64) -> None:
    """Take a node out of the list."""
    before, after = newer[node], older[node]
    if before >= 0:
        older[before] = after
    else:
        ends[NEWEST] = after
    if after >= 0:
        newer[after] = before
    else:
        ends[OLDEST] = before
