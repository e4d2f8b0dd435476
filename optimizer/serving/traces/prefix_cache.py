"""A prompt cache of bounded size, to see how much of the input it would answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence


class PrefixCache:
    """Blocks of prompts, the least recently used of which go first.

    A hash stands for a block and everything before it, so that a prompt finds the blocks up to
    the first one that is not held, and none behind it.

    Parameters
    ----------
    most_blocks : blocks held at a time; a block takes about 150 bytes of memory here.
    block_tokens : tokens of a full block.
    """

    def __init__(self, most_blocks: int, block_tokens: int) -> None:
        self._most, self._tokens = most_blocks, block_tokens
        self._held: OrderedDict[Hashable, None] = OrderedDict()

    def ask(self, hashes: Sequence[Hashable], input_tokens: float) -> float:
        """Input tokens of a prompt that the cache answers; holds its blocks from now on.

        Parameters
        ----------
        hashes : of the prompt's blocks, in order; the last one may be in part empty.
        """
        held = self._held
        found = 0
        for key in hashes:
            if key not in held:
                break
            found += 1
        # From the end, so that the first blocks, without which the others are no use, stay longest.
        for key in reversed(hashes):
            held[key] = None
            held.move_to_end(key)
        while len(held) > self._most:
            held.popitem(last=False)
        return min(float(found * self._tokens), input_tokens)
