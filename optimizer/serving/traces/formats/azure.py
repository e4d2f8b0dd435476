"""Azure 2023 LLM inference traces: a line per request, without models.

P. Patel et al., "Splitwise: Efficient generative LLM inference using phase splitting", ISCA 2024;
https://github.com/Azure/AzurePublicDataset.
"""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.serving.traces.csv_requests import Layout, csv_requests
from optimizer.serving.traces.requests import Requests
from optimizer.serving.traces.source import Source

HEADER = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")


def recognises(fields: list[str]) -> bool:
    """Whether a header is that of this format."""
    return set(HEADER) <= set(fields)


def read(source: Source) -> Iterator[Requests]:
    """Give the requests of a file."""
    time, tokens_in, tokens_out = HEADER
    return csv_requests(source, Layout(time, tokens_in, tokens_out))
