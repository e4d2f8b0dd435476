"""The visible list of cases: a new one is a file in ``benchmarks/cases`` and a line here."""

from __future__ import annotations

from benchmarks.case import Case
from benchmarks.cases.coupled import COUPLED
from benchmarks.cases.coupled_100k_t168 import COUPLED_100K_T168
from benchmarks.cases.fleet import FLEET
from benchmarks.cases.frontier import FRONTIER
from benchmarks.cases.replicas_100k_t168 import REPLICAS_100K_T168
from benchmarks.cases.routes_1m_t1 import ROUTES_1M_T1
from benchmarks.cases.routes_6k_t168 import ROUTES_6K_T168
from benchmarks.cases.routes_896k_t168 import ROUTES_896K_T168
from benchmarks.cases.small import SMALL
from benchmarks.cases.workloads_1m_t168 import WORKLOADS_1M_T168
from benchmarks.cases.workloads_100k_t1 import WORKLOADS_100K_T1
from benchmarks.cases.workloads_100k_t168 import WORKLOADS_100K_T168
from benchmarks.named import named

__all__ = ["CASES", "Case", "case_named"]

CASES: tuple[Case, ...] = (
    SMALL,
    FRONTIER,
    COUPLED,
    ROUTES_6K_T168,
    FLEET,
    ROUTES_1M_T1,
    WORKLOADS_100K_T1,
    ROUTES_896K_T168,
    WORKLOADS_100K_T168,
    REPLICAS_100K_T168,
    COUPLED_100K_T168,
    WORKLOADS_1M_T168,
)
"""Every case, the quickest first."""


def case_named(name: str) -> Case:
    """Find a case.

    Raises
    ------
    LookupError
        When there is none of that name, with the list of those there are.
    """
    return named("case", name, CASES)
