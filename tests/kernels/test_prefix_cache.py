"""The prompt cache against an ordered dictionary."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.kernels.prefix_cache import ask_prefixes
from optimizer.serving.traces.prefix_cache import PrefixCache, key_of


class Slow:
    """The same, a block at a time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held: OrderedDict[int, None] = OrderedDict()

    def ask(self, hashes: list[int]) -> int:
        found = 0
        while found < len(hashes) and hashes[found] in self.held:
            found += 1
        for key in reversed(hashes):
            self.held[key] = None
            self.held.move_to_end(key)
        while len(self.held) > self.most:
            self.held.popitem(last=False)
        return found


def keys_of(rng: np.random.Generator, kind: str, size: int) -> NDArray[np.int64]:
    if kind == "few":
        return rng.integers(0, 40, size)
    if kind == "wide":
        return rng.integers(-(2**63), 2**63 - 1, 30)[rng.integers(0, 30, size)]
    return rng.integers(0, 50, size) << 20  # all from the same few slots on


@pytest.mark.parametrize("kind", ["few", "wide", "crowded"])
@pytest.mark.parametrize("most", [1, 2, 7, 25, 1000])
def test_finds_what_an_ordered_dictionary_finds(kind: str, most: int) -> None:
    rng = np.random.default_rng(most)
    slow = Slow(most)
    slots = 1 << (2 * most - 1).bit_length()
    table, held = np.full(slots, -1, np.int32), np.zeros(most, np.int64)
    newer, older = np.full(most, -1, np.int32), np.full(most, -1, np.int32)
    ends = np.array([-1, -1, 0], np.int64)
    for _ in range(30):
        counts = rng.integers(0, 12, 20)
        starts = np.concatenate(([0], np.cumsum(counts)))
        keys = keys_of(rng, kind, int(starts[-1]))
        found = ask_prefixes(starts, keys, table, held, newer, older, ends)
        parts = np.split(keys, starts[1:-1])
        assert found.tolist() == [slow.ask(part.tolist()) for part in parts]
        assert sorted(held[: ends[2]].tolist()) == sorted(slow.held)
    order, node = [], ends[0]
    while node >= 0:
        order.append(int(held[node]))
        node = older[node]
    assert order == list(slow.held)[::-1]


def test_tokens_are_those_of_full_blocks_and_never_more_than_the_prompt() -> None:
    cache = PrefixCache(4, 100)

    def ask(hashes: list[int], tokens: float) -> float:
        counts, keys = np.array([len(hashes)]), np.array(hashes, np.int64)
        return float(cache.ask(counts, keys, np.array([tokens]))[0])

    assert ask([1, 2, 3], 250) == 0
    assert ask([1, 2, 3], 250) == 250
    assert ask([7, 8], 200) == 0  # 3 goes: the end of what was asked before
    assert ask([1, 2, 3], 300) == 200
    assert ask([8], 100) == 0  # 8 went for 3
    assert ask([2], 100) == 100
    assert ask([], 100) == 0


def test_hashes_of_any_kind_are_numbers_of_64_bits() -> None:
    assert [key_of(value) for value in (0, 5, -1, 2**63, 2**64)] == [0, 5, -1, -(2**63), 0]
    texts = [key_of(text) for text in ("a", "b", "a", "\ud800")]
    assert texts[0] == texts[2] != texts[1]
    assert all(-(2**63) <= key < 2**63 for key in texts)
