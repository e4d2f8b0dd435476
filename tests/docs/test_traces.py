"""The pages about traces: every option and format is there, and the example is what comes out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.cli.import_trace import command
from optimizer.serving.traces.registry import NAMES
from optimizer.serving.traces.settings import (
    INPUT_EDGES,
    OUTPUT_EDGES,
    UNSERVED_USD_PER_MTOK,
    TraceSettings,
)
from tests.pipeline.library import FOLDER

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "traces.md").read_text(encoding="utf-8")
TRACE = FOLDER / "azure-llm" / "AzureLLMInferenceTrace_conv.csv"


def test_every_option_is_listed() -> None:
    listing = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    part = listing.split("`import-trace` takes")[1].split("\n## ")[0]
    options = {name for option in command.params for name in option.opts if name[:2] == "--"}
    assert options <= set(re.findall(r"--[a-z][a-z-]*", part))
    assert set(re.findall(r"--[a-z][a-z-]*", part + PAGE)) <= options


def test_every_format_is_described_and_offered() -> None:
    listed = re.findall(r"^\| `(\w+)` \| [^|]*\| [^|]*\| [^|]*\|$", PAGE, re.MULTILINE)
    assert listed == list(NAMES)
    option = next(option for option in command.params if option.name == "format_")
    assert option.help is not None  # type: ignore[attr-defined]
    assert all(name in option.help for name in NAMES)  # type: ignore[attr-defined]


def test_defaults_are_those_of_the_program() -> None:
    text = " ".join(PAGE.split())
    edges = ",".join(map(str, INPUT_EDGES)), ",".join(map(str, OUTPUT_EDGES))
    assert (
        f"`--input-buckets {edges[0]}` and `--output-buckets {edges[1]}` are the defaults" in text
    )
    own = TraceSettings()
    assert f"`--span-seconds` ({own.span_seconds:g})" in text
    assert f"`--late-seconds` ({own.late_seconds:,.0f})" in text
    assert f"`--cached-blocks` ({own.cached_blocks:,};" in text
    assert f"`--max-bad-share` ({own.max_bad_share * 100:g} %)" in text
    assert f"`--unserved-usd-per-mtok` ({UNSERVED_USD_PER_MTOK:g})" in text


@pytest.mark.skipif(not TRACE.is_file(), reason=f"the Azure trace is not {TRACE}")
def test_example_is_what_comes_out(tmp_path: Path) -> None:
    block = re.search(r"```text\n\$ optimizer (.*?)\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    words = [str(TRACE) if word == TRACE.name else word for word in block[1].split()]
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", *words, "-q"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert done.stdout == block[2]
