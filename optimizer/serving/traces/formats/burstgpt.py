"""BurstGPT: a line per request, with model and kind of log.

Y. Wang et al., "BurstGPT: A real-world workload dataset to optimize LLM serving systems", 2024,
arXiv:2401.17644. ``Timestamp`` counts seconds from the first midnight; a failed request has no
response tokens. Later releases add columns, which are not needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.serving.traces.csv_requests import Layout, csv_requests
from optimizer.serving.traces.requests import Requests
from optimizer.serving.traces.source import Source

HEADER = ("Timestamp", "Model", "Request tokens", "Response tokens", "Log Type")


def recognises(fields: list[str]) -> bool:
    """Whether a header is that of this format."""
    return set(HEADER) <= set(fields)


def read(source: Source) -> Iterator[Requests]:
    """Give the requests of a file."""
    time, model, tokens_in, tokens_out, log = HEADER
    labels = {"model": model, "traffic_class": log}
    return csv_requests(source, Layout(time, tokens_in, tokens_out, labels=labels, word=_word))


def _word(text: str) -> str:
    """``Conversation log`` is traffic of the class conversation; a model stays as it is."""
    kind = text.removesuffix(" log")
    return text if kind == text else kind.lower()
