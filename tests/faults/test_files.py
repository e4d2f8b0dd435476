"""Section 5.5 of the catalogue of bad inputs: files, CSV and the manifest."""

from __future__ import annotations

import errno
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.errors import InputError, OutputError
from optimizer.instance.read import read
from tests.faults.folder import SOUND, Folder

KEYS = "expected a known key (format, name, title, start, period_hours, periods, limits, policy)"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            b"", "sources.csv: expected a header and rows, got an empty file", id="5.5-63 empty"
        ),
        pytest.param(
            b"\n\r\n",
            "sources.csv: expected a header and rows, got an empty file",
            id="5.5-63 blank lines only",
        ),
        pytest.param(
            b"\xef\xbb\xbf",
            "sources.csv: expected a header and rows, got an empty file",
            id="5.5-63 byte order mark only",
        ),
        pytest.param(
            "source,address,note\n".encode("utf-16"),
            "sources.csv, byte 0: expected UTF-8 text, got UTF-16 (save as UTF-8)",
            id="5.5-63 UTF-16",
        ),
        pytest.param(
            "source,address\n".encode("utf-16-le"),
            "sources.csv, line 1, byte 1: expected text, got a NUL byte",
            id="5.5-63 UTF-16 without mark",
        ),
        pytest.param(
            "source,address,note\na,b,\na,caf\u00e9,\n".encode("latin-1"),
            "sources.csv, line 3, byte 30: expected UTF-8 text, got byte 0xe9 (save as UTF-8)",
            id="5.5-63 Latin-1",
        ),
        pytest.param(
            "\ufeffsource,address,note\na,b,\n".encode() + b"\xff",
            "sources.csv, line 3, byte 28: expected UTF-8 text, got byte 0xff (save as UTF-8)",
            id="5.5-63 offset counts the mark",
        ),
        pytest.param(
            b"source,address\ra,b\r",
            "sources.csv: expected lines that end with LF or CRLF, got CR alone (save it again)",
            id="5.5-63 CR alone",
        ),
        pytest.param(
            b"source,address,note\na,b,c,d\n",
            "sources.csv, row 2: expected 3 fields, got 4",
            id="5.5-64 extra field",
        ),
        pytest.param(
            b"source,address,note\na,b,c\nd,e\n",
            "sources.csv, row 3: expected 3 fields, got 2",
            id="5.5-64 missing field",
        ),
        pytest.param(
            b'source,address,note\na,"b, c",d,e\n',
            "sources.csv, row 2: expected 3 fields, got 4",
            id="5.5-64 extra field, quotes",
        ),
        pytest.param(
            b"source,address,note\na,b,c\n\nd,e,f\n",
            "sources.csv, row 3: expected 3 fields, got a blank line",
            id="5.5-64 blank line inside",
        ),
        pytest.param(
            b'source,address,note\na,"b",c\n\nd,e,f\n',
            "sources.csv, row 3: expected 3 fields, got a blank line",
            id="5.5-64 blank line inside, quotes",
        ),
        pytest.param(
            b"source,address,note\r\na,b,c\r\n\r\nd,e,f\r\n",
            "sources.csv, row 3: expected 3 fields, got a blank line",
            id="5.5-64 blank line inside, CRLF",
        ),
        pytest.param(
            b"\nsource,address,note\na,b,c\n",
            'sources.csv, row 1, column 1: expected a column name, got ""',
            id="5.5-64 blank line first",
        ),
        pytest.param(
            b'\nsource,address,note\na,"b",c\n',
            'sources.csv, row 1, column 1: expected a column name, got ""',
            id="5.5-64 blank line first, quotes",
        ),
        pytest.param(
            b'source,address,note\na,b,c\nd,"e,f\ng,h,i\nj,k,l\n',
            "sources.csv, line 3: expected every quote to be closed, got the end of the file",
            id="5.5-64 unclosed quote",
        ),
        pytest.param(
            b'source,address,note\na,"' + b"long\n" * 50_000,
            "sources.csv, line 2: expected fields of at most 131072 characters, "
            "got a longer one (is a quote open?)",
            id="5.5-64 unclosed quote, long",
        ),
        pytest.param(
            b'source,address,note\na,"b" c,d\n',
            "sources.csv, line 2: expected a comma after a closing quote, got more text "
            '(write "" for a quote)',
            id="5.5-64 text after a quote",
        ),
        pytest.param(
            b'"source,address,note\na,b,c\n',
            "sources.csv, line 1: expected every quote to be closed, got the end of the file",
            id="5.5-64 unclosed quote in the header",
        ),
        pytest.param(
            b"source,address,note\na,b\0,c\n",
            "sources.csv, line 2, byte 23: expected text, got a NUL byte",
            id="5.5-64 NUL",
        ),
        pytest.param(
            b"source,address,note,\na,b,c,d\n",
            'sources.csv, row 1, column 4: expected a column name, got ""',
            id="5.5-65 column without a name",
        ),
        pytest.param(
            b"source,address,address\na,b,c\n",
            "sources.csv, row 1, column 3: expected a column name that is not used "
            'twice, got "address"',
            id="5.5-65 column twice",
        ),
        pytest.param(
            b'source,"address",address\na,b,c\n',
            "sources.csv, row 1, column 3: expected a column name that is not used "
            'twice, got "address"',
            id="5.5-65 column twice, quotes",
        ),
        pytest.param(
            b"source,address,comment\na,b,c\n",
            'sources.csv, row 1, column "comment": expected a known column (or a name '
            'that begins with x_), got "comment"',
            id="5.5-65 extra column",
        ),
        pytest.param(
            b"source,address,note;x\na,b,c\n",
            'sources.csv, row 1, column "note;x": expected a known column (or a name '
            'that begins with x_), got "note;x" (did you mean "note"?)',
            id="5.5-65 misspelt column",
        ),
        pytest.param(
            b"source,note\na,b\n",
            'sources.csv, row 1: expected a column "address", got none',
            id="5.5-65 missing column",
        ),
        pytest.param(
            b"source,address,note\na,b,c\rd\n",
            "sources.csv, row 2 (a), column note: expected text without control, "
            'zero-width or direction characters, got "c\\rd"',
            id="5.5-63 lone CR",
        ),
    ],
)
def test_refused_csv(folder: Folder, content: bytes, problem: str) -> None:
    assert folder.file("sources.csv", content).problems() == [problem]


def test_5_5_65_missing_column_with_its_misspelling(folder: Folder) -> None:
    folder.replace("pools.csv", "purchase", "purchace")
    assert folder.problems() == [
        'pools.csv, row 1, column "purchace": expected a known column (or a name that begins '
        'with x_), got "purchace" (did you mean "purchase"?)',
        'pools.csv, row 1: expected a column "purchase", got none',
    ]


@pytest.mark.parametrize("table", ["workloads", "pools", "routes"])
def test_5_5_63_header_only(folder: Folder, table: str) -> None:
    folder.file(f"{table}.csv", folder.text(f"{table}.csv").split("\n")[0] + "\n")
    assert f"{table}.csv: expected at least one row, got a header only" in folder.problems()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda t: t.rstrip("\n"), id="5.5-63 no newline at the end"),
        pytest.param(lambda t: t + "\n\n", id="5.5-63 blank lines at the end"),
        pytest.param(lambda t: "\ufeff" + t, id="5.5-63 byte order mark"),
        pytest.param(lambda t: t.replace("\n", "\r\n"), id="5.5-63 CRLF"),
        pytest.param(lambda t: ("\ufeff" + t.replace("\n", "\r\n")).rstrip(), id="5.5-63 all"),
    ],
)
def test_accepted_text(folder: Folder, change: Callable[[str], str]) -> None:
    digest = folder.read().digest
    for name, text in SOUND.items():
        folder.file(name, change(text))
    assert folder.read().digest == digest


def test_5_5_63_CRLF_in_quoted_files_and_numbers_at_the_end_of_a_line(folder: Folder) -> None:
    digest = folder.read().digest
    folder.file(
        "demand.csv",
        '"workload","0","1","2"\r\n"chat","10",20,"30"\r\ncode,1,2,3\r\nbatch,5,0,7.5\r\n',
    )
    assert folder.read().digest == digest


def test_5_5_65_columns_in_any_order_and_free_columns(folder: Folder) -> None:
    digest = folder.read().digest
    folder.file("residency.csv", "x_by,region,x_,workload\nme,us-east,,chat\nyou,us-west,7,chat\n")
    folder.file("capacity.csv", "x_note,1,pool,0,2\nn/a,8,east,8,8\n,16,west,0,16\n")
    assert folder.read().digest == digest


def test_optional_tables_may_be_absent_or_empty(folder: Folder) -> None:
    folder.file("residency.csv", "workload,region\n")
    assert folder.read().route_allowed.all()
    folder.without("residency.csv", "shares.csv", "sources.csv", "prices.csv")
    instance = folder.read()
    assert instance.num_routes == 4
    assert len(instance.shares.share) == 0


def test_notes_may_hold_line_breaks_and_commas(folder: Folder) -> None:
    folder.file("sources.csv", 'source,address,note\na,b,"one,\ntwo ""three"""\nc,d,e\n')
    assert folder.read().sources.note.values() == ['one,\ntwo "three"', "e"]


# Files that are none, or not this folder's


def test_5_5_72_FIFO(folder: Folder) -> None:
    folder.without("shares.csv")
    os.mkfifo(folder.path / "shares.csv")
    assert folder.problems() == ["shares.csv: expected a regular file, got a pipe"]


@pytest.mark.parametrize("name", ["demand.csv", "demand.parquet", "demand.npy", "instance.toml"])
def test_5_5_72_directory(folder: Folder, name: str) -> None:
    folder.without("instance.toml" if name == "instance.toml" else "demand.csv")
    (folder.path / name).mkdir()
    assert folder.problems() == [f"{name}: expected a regular file, got a folder"]


def test_5_5_72_link_out_of_the_folder(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text(folder.text("shares.csv"))
    folder.without("shares.csv")
    (folder.path / "shares.csv").symlink_to(outside)
    assert folder.problems() == [
        "shares.csv: expected a file inside the instance folder, got a link that leads out of it "
        "(copy the file there)"
    ]


def test_5_5_72_link_inside_the_folder_and_link_to_the_folder(
    folder: Folder, tmp_path: Path
) -> None:
    digest = folder.read().digest
    (folder.path / "shares.csv").rename(folder.path / "kept.data")
    (folder.path / "shares.csv").symlink_to("kept.data")
    (tmp_path / "link").symlink_to(folder.path)
    assert read(tmp_path / "link").digest == digest


def test_5_5_72_link_loop_link_to_nothing(folder: Folder) -> None:
    folder.without("shares.csv", "sources.csv")
    (folder.path / "shares.csv").symlink_to("shares.csv")
    (folder.path / "sources.csv").symlink_to("gone.csv")
    assert folder.problems() == [
        "shares.csv: expected a regular file, got a link that leads to itself",
        "sources.csv: expected a regular file, got a link to nothing",
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet", "npy"])
def test_5_5_72_dev_zero(folder: Folder, ending: str) -> None:
    folder.without("demand.csv")
    (folder.path / f"demand.{ending}").symlink_to("/dev/zero")
    assert folder.problems() == [f"demand.{ending}: expected a regular file, got a device"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        pytest.param(
            "workload.csv",
            'workload.csv: expected the name of a table, got "workload" '
            '(did you mean "workloads"?)',
            id="5.5-65 misspelt file",
        ),
        pytest.param(
            "curves.csv",
            'curves.csv: expected the name of a table, got "curves" (did you mean "sources"?)',
            id="5.5-65 unknown file",
        ),
        pytest.param(
            "Shares.csv",
            'Shares.csv: expected the name of a table, got "Shares" (did you mean "shares"?)',
            id="5.5-65 file in another case",
        ),
        pytest.param(
            "demand.parquet",
            "table demand: expected one file, got demand.csv and demand.parquet",
            id="5.5-65 two files of a table",
        ),
        pytest.param(
            "shares.npy",
            'shares.npy: expected a .csv or .parquet file, got ".npy"',
            id="5.5-65 array of a table",
        ),
        pytest.param(
            "shares.csv.gz",
            'shares.csv.gz: expected a .csv or .parquet file, got ".csv.gz" (no table is ignored)',
            id="5.5-70 packed CSV",
        ),
        pytest.param(
            "demand.xlsx",
            "demand.xlsx: expected a .csv, .parquet or .npy file, "
            'got ".xlsx" (no table is ignored)',
            id="5.5-70 spreadsheet",
        ),
        pytest.param(
            "demand.npz",
            'demand.npz: expected a .csv, .parquet or .npy file, got ".npz" (no table is ignored)',
            id="5.5-71 npz",
        ),
        pytest.param(
            "residency.CSV",
            'residency.CSV: expected a .csv or .parquet file, got ".CSV" (no table is ignored)',
            id="5.5-65 ending in another case",
        ),
        pytest.param(
            "a\x1b[2J.csv",
            'a\\x1b[2J.csv: expected the name of a table, got "a\\x1b[2J"',
            id="5.5-76 control characters in a file name",
        ),
        pytest.param(
            "n" * 251 + ".csv",
            f'{"n" * 37}...: expected the name of a table, got "{"n" * 37}..."',
            id="5.5-76 name of 255 bytes",
        ),
    ],
)
def test_file_that_does_not_belong(folder: Folder, name: str, problem: str) -> None:
    assert folder.file(name, b"").problems() == [problem]


def test_5_5_76_file_name_that_is_not_UTF_8(folder: Folder) -> None:
    Path(os.fsdecode(os.fsencode(folder.path) + b"/caf\xe9.csv")).write_bytes(b"")
    (problem,) = folder.problems()
    assert problem == 'caf\\udce9.csv: expected the name of a table, got "caf\\udce9"'
    problem.encode()  # can be printed


@pytest.mark.parametrize(
    "name", ["README.md", "make.py", "demand.csv~", ".demand.csv.swp", "shares.md", "plot.svg"]
)
def test_files_that_are_no_tables_are_left_alone(folder: Folder, name: str) -> None:
    folder.file(name, b"\xff\0")
    folder.read()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("demand.csv", "a table demand.csv, demand.parquet or demand.npy"),
        ("pools.csv", "a table pools.csv or pools.parquet"),
        ("workloads.csv", "a table workloads.csv or workloads.parquet"),
        (
            "routes.csv",
            "a table routes.csv or routes.parquet, or profiles that routes can be derived from",
        ),
    ],
)
def test_5_5_65_missing_file(folder: Folder, name: str, message: str) -> None:
    assert folder.without(name).problems() == [f"FOLDER: expected {message}, got none"]


def test_5_5_65_no_manifest(folder: Folder) -> None:
    folder.without("instance.toml")
    assert folder.problems() == [
        "FOLDER: expected a folder with instance.toml, got none "
        "(optimizer generate writes an example)"
    ]
    folder.file("instances.toml", SOUND["instance.toml"])
    assert folder.problems() == [
        'FOLDER: expected a folder with instance.toml, got none (did you mean "instances.toml"?)'
    ]


def test_5_5_76_folder_that_is_not_there_or_is_a_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere: cannot be listed: No such file or directory"):
        read(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file: cannot be listed: Not a directory"):
        read(tmp_path / "file")


def test_5_5_76_no_permission(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    # Simulated, because the superuser may read everything.
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(OutputError, match=r"cannot be read: .*Permission denied") as caught:
        folder.read()
    assert caught.value.exit_code == 10


def test_5_5_76_read_only_folder_is_enough(folder: Folder) -> None:
    for file in folder.path.iterdir():
        file.chmod(0o444)
    folder.path.chmod(0o555)
    try:
        folder.read()
    finally:
        folder.path.chmod(0o755)


def test_folder_name_with_brackets_and_stars(tmp_path: Path) -> None:
    folder = Folder.sound(tmp_path / "a=1" / "b[0]*{c}")
    digest = folder.read().digest
    assert folder.parquet("routes").npy("demand").read().digest == digest


# The manifest


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param(
            'name = "small"',
            'name = "small',
            "instance.toml, line 2, column 14: expected valid TOML, got ",
            id="5.5-73 open quote",
        ),
        pytest.param(
            "period_hours = 1",
            "period_hours 1",
            "instance.toml, line 5, column 14: expected valid TOML, got ",
            id="5.5-73 no equal sign",
        ),
        pytest.param(
            "period_hours = 1",
            "period_hours = 1,5",
            "instance.toml, line 5, column 17: expected valid TOML, got ",
            id="5.1-21 decimal comma",
        ),
        pytest.param(
            "period_hours = 1",
            "period_hours = 01",
            "instance.toml, line 5, column 17: expected valid TOML, got ",
            id="5.1-21 leading zero",
        ),
        pytest.param(
            "periods = 3",
            "periods = 3\nperiods = 4",
            "instance.toml, line 7, column 12: expected valid TOML, got ",
            id="5.5-73 key twice",
        ),
        pytest.param(
            "[limits]",
            "[limits]\n[limits]",
            "instance.toml, line 9, column 8: expected valid TOML, got ",
            id="5.5-73 section twice",
        ),
    ],
)
def test_invalid_TOML(folder: Folder, old: str, new: str, problem: str) -> None:
    (found,) = folder.replace("instance.toml", old, new).problems()
    # What follows are the words of the standard library.
    assert found.startswith(problem)
    assert ("twice" in problem) == ("twice" in found) or "is a name used twice?" in found


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            "x = " + "[" * 900 + "\n" + "[" * 900,
            "instance.toml: expected valid TOML, got tables nested too deep",
            id="5.5-73 nesting",
        ),
        pytest.param(
            ".".join(["a"] * 30_000) + " = 1",
            "instance.toml, line 1: expected at most 1000 characters, got 60003",
            id="5.5-73 key of 30,000 parts",
        ),
        pytest.param(
            "periods = " + "9" * 5000,
            "instance.toml, line 1: expected at most 1000 characters, got 5010",
            id="5.5-73 number of 5,000 digits",
        ),
        pytest.param(
            "#" * 70_000,
            "instance.toml: expected a file of at most 65536 [bytes], got 70000",
            id="5.5-69 size",
        ),
        pytest.param(
            "format = 1\nname = 'caf\u00e9'\n".encode("latin-1"),
            "instance.toml, line 2, byte 22: expected UTF-8 text, got byte 0xe9 (save as UTF-8)",
            id="5.5-63 Latin-1",
        ),
    ],
)
def test_TOML_that_is_made_to_harm(folder: Folder, content: str | bytes, problem: str) -> None:
    folder.file("instance.toml", content)
    begin = time.perf_counter()
    tracemalloc.start()
    try:
        problems = folder.problems()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert problems == [problem]
    assert peak < 8 * 2**20
    assert time.perf_counter() - begin < 2.0


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param(
            "period_hours = 1",
            "period_hour = 1",
            f'period_hour: {KEYS}, got "period_hour" (did you mean "period_hours"?)',
            id="5.5-74 unknown key",
        ),
        pytest.param(
            "budget_usd = 1000",
            "budget = 1000",
            "limits.budget: expected a known key "
            '(budget_usd), got "budget" (did you mean "budget_usd"?)',
            id="5.5-74 unknown key of a section",
        ),
        pytest.param(
            "[limits]",
            "[limit]",
            f'limit: {KEYS}, got "limit" (did you mean "limits"?)',
            id="5.5-74 unknown section",
        ),
        pytest.param(
            "[limits]",
            "[policy]",
            'policy.budget_usd: expected a known key (no key), got "budget_usd"',
            id="5.5-74 key in the wrong section",
        ),
        pytest.param(
            "[limits]\nbudget_usd = 1000",
            "limits = 3",
            "limits: expected a table, got 3",
            id="5.5-74 number for a section",
        ),
        pytest.param("format = 1\n", "", "format: expected 1, got nothing", id="5.5-74 no format"),
        pytest.param("format = 1", "format = 0", "format: expected 1, got 0", id="5.5-74 format 0"),
        pytest.param(
            "format = 1", 'format = "1"', 'format: expected 1, got "1"', id="5.5-74 format as text"
        ),
        pytest.param(
            "periods = 3\n",
            "",
            "periods: expected a whole number from 1 to 1000000, got nothing",
            id="5.5-74 no periods",
        ),
        pytest.param(
            'name = "small"\n',
            "",
            "name: expected text on one line, got nothing",
            id="5.5-74 no name",
        ),
        pytest.param(
            'start = "2026-05-04T00:00:00Z"\n',
            "",
            "start: expected a date and time "
            "with a zone, such as 2026-05-04T00:00:00Z, got nothing",
            id="5.5-74 no start",
        ),
    ],
)
def test_refused_manifest(folder: Folder, old: str, new: str, problem: str) -> None:
    assert folder.replace("instance.toml", old, new).problems() == [f"instance.toml, {problem}"]


def test_5_5_74_newer_format_is_said_alone(folder: Folder) -> None:
    # What a later version writes is not judged by the rules of this one.
    folder.replace("instance.toml", "format = 1", "format = 2\nzones = 3")
    folder.file("zones.csv", b"").file("demand.csv", b"")
    assert folder.problems() == [
        "instance.toml, format: expected 1 or lower, got 2 "
        "(the instance was written for a newer version)"
    ]


def test_manifest_with_the_least_and_with_an_empty_title(folder: Folder) -> None:
    folder.file(
        "instance.toml",
        'format = 1\nname = "n"\ntitle = ""\nstart = 2026-05-04T00:00:00Z\nperiods = 3\n[policy]\n',
    )
    instance = folder.read()
    assert (instance.title, instance.period_hours, instance.budget_usd) == ("", 1.0, None)


def test_error_is_also_a_ValueError_with_the_exit_code_of_bad_input(folder: Folder) -> None:
    folder.file("demand.csv", b"")
    with pytest.raises(ValueError, match=r"demand\.csv: expected a header and rows") as caught:
        folder.read()
    assert isinstance(caught.value, InputError)
    assert caught.value.exit_code == 3
