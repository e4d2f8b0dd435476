"""Traces with faults: each is named with its place, few are left out, many are refused."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from optimizer.errors import InputError, OutputError
from optimizer.serving.traces.bad_lines import LISTED
from optimizer.serving.traces.import_trace import import_trace
from optimizer.serving.traces.imported import Imported
from optimizer.serving.traces.importing import read_traces
from optimizer.serving.traces.settings import TraceSettings

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
GOOD = "2023-11-16 18:17:03.97,100,10\n"
SERVEGEN = "model,client,hour,requests,mean_input_tokens,mean_output_tokens\n"
BURSTGPT = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
HOURLY = "day,hour,conversation,api,all\n"
TOKENS = "expected a whole number from 0 to 1e+09 [tokens]"


def read(path: Path, content: str | bytes, **settings: object) -> Imported:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    lengths = {"input_tokens": 1.0, "output_tokens": 1.0, "max_bad_share": 0.5}
    return read_traces([path], TraceSettings(**lengths | settings))  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trace.csv"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("2023-11-16 18:17:03.97,,10", f"column ContextTokens: {TOKENS}, got nothing"),
        ("2023-11-16 18:17:03.97,x,10", f'column ContextTokens: {TOKENS}, got "x"'),
        ("2023-11-16 18:17:03.97,-5,10", f'column ContextTokens: {TOKENS}, got "-5"'),
        ("2023-11-16 18:17:03.97,NaN,10", f'column ContextTokens: {TOKENS}, got "NaN"'),
        ("2023-11-16 18:17:03.97,5,inf", f'column GeneratedTokens: {TOKENS}, got "inf"'),
        ("2023-11-16 18:17:03.97,5,1.5", f'column GeneratedTokens: {TOKENS}, got "1.5"'),
        ("2023-11-16 18:17:03.97,1e12,5", f'column ContextTokens: {TOKENS}, got "1e12"'),
        (
            "yesterday,5,5",
            "column TIMESTAMP: expected a date and time such as 2026-05-04 00:00:00, "
            'got "yesterday"',
        ),
        (
            ",5,5",
            "column TIMESTAMP: expected a date and time such as 2026-05-04 00:00:00, got nothing",
        ),
        (
            "2023-11-16 12:17:03.97,5,5",
            "column TIMESTAMP: expected a time no more than 3600 s before the latest one so far, "
            '2023-11-16T18:17:03 UTC, got "2023-11-16 12:17:03.97"',
        ),
        ("2023-11-16 18:17:03.97,5", "expected 3 fields, got 2"),
        ("2023-11-16 18:17:03.97,5,5,5", "expected 3 fields, got 4"),
        ("", "expected 3 fields, got a blank line"),
        ('2023-11-16 18:17:03.97,"5,5', "expected 3 fields, got a quote that is not closed"),
    ],
)
def test_bad_line_of_azure(path: Path, line: str, problem: str) -> None:
    for ending in ("\n", "\r\n"):
        text = (AZURE + GOOD + line + "\n" + GOOD).replace("\n", ending)
        found = read(path, text)
        assert (found.lines, found.bad_lines) == (3, 1)
        words = str(found.problems[0])
        separator = ", " if problem.startswith("column") else ": "
        assert words == f"trace.csv, line 3{separator}{problem}"
        assert found.requests.sum() == 2
        assert found.total_mtok == pytest.approx(220e-6, rel=1e-12)


def test_torn_last_line(path: Path) -> None:
    found = read(path, AZURE + GOOD + GOOD[:24])
    assert [str(problem) for problem in found.problems] == [
        "trace.csv, line 3: expected 3 fields, got 2"
    ]


def test_bytes_that_are_no_text(path: Path) -> None:
    found = read(path, (AZURE + GOOD).encode() + b"2023-11-16 18:17:03.97,\xff\xfe,10\n")
    assert found.bad_lines == 1
    assert "line 3, column ContextTokens" in str(found.problems[0])
    latin = BURSTGPT.encode() + b"5,Caf\xe9,1,1,2,API log\n6,GPT-4,1,1,2,API log\n"
    found = read(path, latin)
    assert found.workloads.workload[0].startswith("GPT-4-api")
    assert str(found.problems[0]).startswith("trace.csv, line 2, column Model: expected UTF-8 text")


def test_byte_order_mark_is_passed_over(path: Path) -> None:
    found = read(path, b"\xef\xbb\xbf" + (AZURE + GOOD).encode())
    assert (found.lines, found.bad_lines) == (1, 0)


def test_blank_lines_at_the_end_are_no_lines(path: Path) -> None:
    assert read(path, AZURE + GOOD + "\n\r\n  \n").lines == 1


@pytest.mark.parametrize(
    ("header", "good", "line", "problem"),
    [
        (
            SERVEGEN, "m,1,0,5,10,10\n", "m,1,x,5,10,10",
            'column hour: expected a whole number of hours from the start, got "x"',
        ),
        (
            SERVEGEN, "m,1,0,5,10,10\n", "m,1,0,-5,10,10",
            'column requests: expected a whole number from 0 to 1e+15 [requests], got "-5"',
        ),
        (
            SERVEGEN, "m,1,0,5,10,10\n", "m,1,0,5,nan,10",
            'column mean_input_tokens: expected a number from 0 to 1e+09 [tokens], got "nan"',
        ),
        (
            SERVEGEN, "m,1,0,5,10,10\n", "m,1,0,5,,10",
            "column mean_input_tokens: expected both lengths or none [tokens], got nothing",
        ),
        (
            SERVEGEN, "m,1,0,5,10,10\n", ",1,0,5,10,10",
            "column model: expected a name that is not blank, got nothing",
        ),
        (
            BURSTGPT, "5,m,1,1,2,API log\n", "6,,1,1,2,API log",
            "column Model: expected names in all columns of labels, got nothing",
        ),
        (
            BURSTGPT, "5,m,1,1,2,API log\n", "-1,m,1,1,2,API log",
            'column Timestamp: expected a finite number >= 0 and a year before 2200, got "-1"',
        ),
        (
            HOURLY, "0,0,5,6,11\n", "0,24,5,6,11",
            'column hour: expected a whole number from 0 to 23, got "24"',
        ),
        (
            HOURLY, "0,0,5,6,11\n", "0,1,5,6,12",
            'column all: expected the sum 11 [requests], got "12"',
        ),
    ],
)  # fmt: skip
def test_bad_line_of_other_tables(
    path: Path, header: str, good: str, line: str, problem: str
) -> None:
    found = read(path, f"{header}{good}{line}\n")
    assert (found.lines, found.bad_lines) == (2, 1)
    assert str(found.problems[0]) == f"trace.csv, line 3, {problem}"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"timestamp": 1, "input_length": 5, "outp', ": expected a JSON object, got"),
        ("[1, 2]", ': expected a JSON object, got "[1, 2]"'),
        ("", ": expected a JSON object, got a blank line"),
        (
            '{"timestamp": 1, "input_length": 5}',
            f", output_length: {TOKENS}, got nothing",
        ),
        (
            '{"timestamp": 1, "input_length": -5, "output_length": 1}',
            f', input_length: {TOKENS}, got "-5"',
        ),
        (
            '{"timestamp": 1, "input_length": true, "output_length": 1}',
            f', input_length: {TOKENS}, got "true"',
        ),
        (
            '{"timestamp": NaN, "input_length": 5, "output_length": 1}',
            ', timestamp: expected a finite number >= 0 [ms], got "NaN"',
        ),
        (
            '{"timestamp": 1, "input_length": 5, "output_length": 1, "hash_ids": [[1]]}',
            ', hash_ids: expected a list of hashes, got "[[1]]"',
        ),
        ("[" * 100_000, ': expected a JSON object, got "'),
    ],
)
def test_bad_line_of_mooncake(path: Path, line: str, problem: str) -> None:
    good = '{"timestamp": 0, "input_length": 5, "output_length": 1, "hash_ids": [1]}'
    found = read(path, f"{good}\n{line}\n{good}\n")
    assert (found.lines, found.bad_lines) == (3, 1)
    assert str(found.problems[0]).startswith(f"trace.csv, line 2{problem}")
    assert found.requests.sum() == 2


def test_too_many_bad_lines_are_refused_with_the_first_of_them(path: Path) -> None:
    text = AZURE + GOOD * 970 + "x,1,1\n" * 30
    with pytest.raises(InputError) as error:
        read(path, text, max_bad_share=0.01)
    problems = [str(problem) for problem in error.value.problems]
    assert problems[0] == (
        "trace.csv: expected at most 0.01 of all lines bad, got 30 of 1,000 lines (3.00%) "
        "(--max-bad-share says how many may be left out)"
    )
    assert len(problems) == 1 + LISTED
    assert problems[1].startswith("trace.csv, line 972, column TIMESTAMP: expected a date")
    found = read(path, text, max_bad_share=0.03)
    assert found.bad_lines == 30
    assert len(found.problems) == LISTED
    assert "30 bad lines of 1,000 were left out" in found.notes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "trace.csv: expected a trace, got an empty file"),
        (b"\n\n", "trace.csv: expected a trace, got an empty file"),
        (AZURE.encode(), "trace.csv: expected at least one request, got none"),
        (AZURE.strip().encode(), "trace.csv: expected at least one request, got none"),
        ((AZURE + "2023-11-16 18:17:03,0,0\n").encode(), "expected requests with tokens, got none"),
        (AZURE.encode("utf-16"), "trace.csv, byte 0: expected UTF-8 text, got UTF-16"),
        (b"TIMESTAMP,TIMESTAMP,ContextTokens,GeneratedTokens\n", 'each once, got "TIMESTAMP"'),
        (gzip.compress((AZURE + GOOD * 999).encode())[:-20], "expected a whole gzip file"),
        (b"\x1f\x8bnot gzip at all", "expected a whole gzip file"),
    ],
)
def test_files_that_are_refused(path: Path, content: bytes, words: str) -> None:
    with pytest.raises(InputError) as error:
        read(path, content)
    assert words in str(error.value)


def test_a_line_without_end_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from optimizer.serving.traces import blocks

    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(blocks, "MAX_LINE_BYTES", 5000)
    with pytest.raises(InputError, match="line 2: expected a line of at most 5000 bytes"):
        read(path, AZURE + "1" * 10_000)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be read: No such file"):
        read_traces([tmp_path / "none.csv"])
    with pytest.raises(InputError, match="expected a regular file"):
        read_traces([tmp_path])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="expected a regular file"):
        read_traces([tmp_path / "pipe"])


def test_a_refused_trace_writes_nothing(path: Path, tmp_path: Path) -> None:
    path.write_text(AZURE + GOOD + "x,1,1\n")
    with pytest.raises(InputError):
        import_trace(path, tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["trace.csv"]


def test_a_folder_with_content_is_refused_before_the_trace_is_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(OutputError, match="exists and is not empty"):
        import_trace(tmp_path / "none.csv", tmp_path / "out")


def test_ids_taken_for_labels_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from optimizer.serving.traces import requests

    monkeypatch.setattr(requests, "MAX_KINDS", 10)
    text = "t,i,o,m\n" + "".join(f"{k},1,1,id{k}\n" for k in range(20))
    columns = {"time": "t", "input": "i", "output": "o", "model": "m"}
    with pytest.raises(InputError, match="expected at most 10 kinds of traffic"):
        read(path, text, columns=columns)


def test_lines_behind_one_that_does_not_fit_keep_their_numbers(path: Path) -> None:
    for torn in ("5", '"5'):
        found = read(path, AZURE + GOOD + torn + "\n" + GOOD + "x,1,1\n" + GOOD)
        places = [problem.place for problem in found.problems]
        assert places == ["trace.csv, line 3", "trace.csv, line 5, column TIMESTAMP"]
