"""A child that knows the stub solver; otherwise the child of the package."""

from __future__ import annotations

from typing import Any, cast

from optimizer.solvers import registry, worker
from tests.conformance.stub import Stub

if __name__ == "__main__":
    cast("dict[str, Any]", registry.SOLVERS)["stub"] = Stub
    worker.main()
