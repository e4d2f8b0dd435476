"""Token placement optimizer: which tokens run on which pool in which hour, at what price.

>>> import optimizer
>>> instance = optimizer.read("instances/frontier-2026-05")
>>> result = optimizer.solve(instance)
>>> optimizer.evaluate(instance, result.plan).verified
True

The names below are loaded when they are first used, so that ``import optimizer`` and the
command line's help load neither numba nor a solver.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.errors import InputError as InputError
    from optimizer.errors import OptimizerError as OptimizerError
    from optimizer.errors import SolverError as SolverError
    from optimizer.errors import UnsupportedError as UnsupportedError
    from optimizer.errors import UsageError as UsageError
    from optimizer.evaluation.evaluate import Evaluation as Evaluation
    from optimizer.evaluation.evaluate import evaluate as evaluate
    from optimizer.explanation.explain import Explanation as Explanation
    from optimizer.explanation.explain import explain as explain
    from optimizer.instance.generate import generate as generate
    from optimizer.instance.instance import Instance as Instance
    from optimizer.instance.write import write as write
    from optimizer.methods.base import Limits as Limits
    from optimizer.plan import Plan as Plan
    from optimizer.result import Result as Result
    from optimizer.serving.reading import read as read
    from optimizer.serving.traces.import_trace import import_trace as import_trace
    from optimizer.serving.traces.settings import TraceSettings as TraceSettings
    from optimizer.session import Session as Session
    from optimizer.session import open_session as open  # noqa: F401
    from optimizer.solving import solve as solve

__version__ = "0.1.0"

_PLACES = {
    "Evaluation": "evaluation.evaluate",
    "Explanation": "explanation.explain",
    "InputError": "errors",
    "Instance": "instance.instance",
    "Limits": "methods.base",
    "OptimizerError": "errors",
    "Plan": "plan",
    "Result": "result",
    "Session": "session",
    "SolverError": "errors",
    "TraceSettings": "serving.traces.settings",
    "UnsupportedError": "errors",
    "UsageError": "errors",
    "evaluate": "evaluation.evaluate",
    "explain": "explanation.explain",
    "generate": "instance.generate",
    "import_trace": "serving.traces.import_trace",
    "open": "session",
    "read": "serving.reading",
    "solve": "solving",
    "write": "instance.write",
}

_OWN_NAMES = {"open": "open_session"}
"""Names that are others in their module, where Python has a use for them."""

__all__ = [*_PLACES]


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name not in _PLACES:
        raise AttributeError(f"module 'optimizer' has no attribute {name!r}")
    module = importlib.import_module(f"optimizer.{_PLACES[name]}")
    value = globals()[name] = getattr(module, _OWN_NAMES.get(name, name))
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
