"""A prompt cache of bounded size, to see how much of the input it would answer."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


class PrefixCache:
    """Blocks of prompts, the least recently used of which go first.

    A hash stands for a block and everything before it, so that a prompt finds the blocks up to
    the first one that is not held, and none behind it.

    Parameters
    ----------
    most_blocks : blocks held at a time, 24 to 32 bytes of memory each.
    block_tokens : tokens of a full block.
    """

    def __init__(self, most_blocks: int, block_tokens: int) -> None:
        self._tokens = block_tokens
        slots = 1 << (2 * most_blocks - 1).bit_length()
        self._table = np.full(slots, -1, np.int32)
        self._held = np.zeros(most_blocks, np.int64)
        self._newer = np.full(most_blocks, -1, np.int32)
        self._older = np.full(most_blocks, -1, np.int32)
        self._ends = np.array([-1, -1, 0], np.int64)

    def ask(
        self,
        counts: NDArray[np.int64],
        keys: NDArray[np.int64],
        input_tokens: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Input tokens of prompts that the cache answers; their blocks are held from now on.

        Parameters
        ----------
        counts : (N,) blocks of each prompt, in order of time.
        keys : (sum of counts,) hashes of the blocks; the last one of a prompt may be in part empty.
        input_tokens : (N,) tokens of each prompt.
        """
        from optimizer.kernels.prefix_cache import ask_prefixes

        starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        found = ask_prefixes(
            starts, keys, self._table, self._held, self._newer, self._older, self._ends
        )
        tokens = found.astype(np.float64) * self._tokens
        return np.asarray(np.minimum(tokens, input_tokens))


def key_of(value: int | str) -> int:
    """A hash as a signed number of 64 bits; the same for the same text in every run."""
    if isinstance(value, str):
        digest = hashlib.blake2b(value.encode(errors="surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "little", signed=True)
    return (value + 2**63) % 2**64 - 2**63
