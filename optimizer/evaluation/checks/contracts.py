"""Twin of the family "contracts": whole blocks, no more than are on offer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimizer.evaluation.tally import Tally
from optimizer.evaluation.verdict import MOST, Violation, no_amount
from optimizer.instance.instance import Instance
from optimizer.plan import Plan


def check(instance: Instance, plan: Plan, sums: Tally) -> Iterator[Violation]:
    """Blocks that are no whole numbers or more than the contract offers."""
    table, blocks = instance.contracts, sums.blocks
    whole = ~no_amount(blocks) & (blocks == np.round(blocks))
    for contract in np.flatnonzero(~whole).tolist():
        amount = float(blocks[contract])
        limit = float(np.floor(amount)) if 0 <= amount <= MOST else 0.0
        place = f"{table.contract[contract]}: no whole number"
        yield Violation("contracts", place, amount, limit, "blocks")
    for contract in np.flatnonzero(blocks > table.max_blocks).tolist():
        yield Violation(
            "contracts",
            f"{table.contract[contract]}: more than on offer",
            float(blocks[contract]),
            float(table.max_blocks[contract]),
            "blocks",
        )
