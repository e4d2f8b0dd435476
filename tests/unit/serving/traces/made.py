"""Small traces that the tests write themselves."""

from __future__ import annotations

from pathlib import Path

from optimizer.serving.traces.imported import Imported
from optimizer.serving.traces.importing import read_traces
from optimizer.serving.traces.settings import TraceSettings

AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
    "2023-11-16 18:17:03.9799600,4808,10\r\n"
    "2023-11-16 18:59:59.9999999,100,300\r\n"
    "2023-11-16 19:00:00.0000000,110,27"
)
"""Three requests, two in the hour from 18:00; no line end behind the last one, as published."""

MOONCAKE = (
    '{"timestamp": 0, "input_length": 1500, "output_length": 50, "hash_ids": [1, 2, 3]}\n'
    '{"timestamp": 1000, "input_length": 1300, "output_length": 60, "hash_ids": [1, 2, 4]}\n'
    '{"timestamp": 3600000, "input_length": 1000, "output_length": 7, "hash_ids": [1, 2]}\n'
)
SERVEGEN = (
    "model,client,hour,requests,mean_input_tokens,mean_output_tokens\n"
    "large,0,0,10,100.5,20\n"
    "large,0,1,30,100.5,40\n"
    "large,1,1,5,,\n"
    "large,2,0,60,400,10\n"
    "small,0,1,7,,\n"
)
BURSTGPT = (
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    "5,ChatGPT,472,18,490,Conversation log\n"
    "45,GPT-4,1087,230,1317,Conversation log\n"
    "3700.5,ChatGPT,100,0,100,API log\n"
)
HOURLY = "day,hour,conversation,api,all\n28,0,88,2,90\n28,2,50,10,60\n"


def trace(folder: Path, text: str | bytes, name: str = "trace.csv") -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def whole(folder: Path, text: str | bytes, **settings: object) -> Imported:
    """Import a trace without length buckets."""
    given: dict[str, object] = {"input_edges": (), "output_edges": (), **settings}
    return read_traces([trace(folder, text)], TraceSettings(**given))  # type: ignore[arg-type]
