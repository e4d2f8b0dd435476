"""Section 5.2 of the catalogue of bad inputs: names and references."""

from __future__ import annotations

import pytest

from tests.faults.folder import Folder

INVISIBLE = "expected a name without control, zero-width or direction characters, got "
COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(
    ("table", "line", "problem"),
    [
        pytest.param(
            "workloads.csv",
            "chat,large,interactive,us,20,,,,,,,,,,\n",
            "workloads.csv, row 5, column workload: expected a name that is not used twice, "
            'got "chat" (first used at workloads.csv, row 2)',
            id="5.2-24 workload twice",
        ),
        pytest.param(
            "pools.csv",
            "west,Google,tpu7,us-west,spot,3,,,,,,\n",
            "pools.csv, row 4, column pool: expected a name that is not used twice, "
            'got "west" (first used at pools.csv, row 3)',
            id="5.2-24 pool twice",
        ),
        pytest.param(
            "shares.csv",
            "east-compute,pool,east,compute,,0.7\n",
            "shares.csv, row 4, column share: expected a name that is not used twice, "
            'got "east-compute" (first used at shares.csv, row 3)',
            id="5.2-24 share twice",
        ),
        pytest.param(
            "routes.csv",
            "chat,west,0.3,,,,\n",
            "routes.csv, row 6: expected one row per workload and pool, "
            'got "chat" and "west" again (first used at routes.csv, row 3)',
            id="5.2-24 route twice",
        ),
        pytest.param(
            "residency.csv",
            "chat,us-east\n",
            "residency.csv, row 4: expected one row per workload and region, "
            'got "chat" and "us-east" again (first used at residency.csv, row 2)',
            id="5.2-24 residency twice",
        ),
        pytest.param(
            "demand.csv",
            "chat,1,1,1\n",
            "demand.csv, row 5, column workload: expected one row per workload, "
            'got "chat" again (first used at demand.csv, row 2)',
            id="5.2-24 row of demand twice",
        ),
        pytest.param(
            "prices.csv",
            "west,1,1,1\n",
            "prices.csv, row 3, column pool: expected one row per pool, "
            'got "west" again (first used at prices.csv, row 2)',
            id="5.2-24 row of prices twice",
        ),
        pytest.param(
            "shares.csv",
            "google,provider,Gogle,tokens,,0.7\n",
            "shares.csv, row 4 (google), column value: expected the name of a known provider, "
            'got "Gogle" (did you mean "Google"?)',
            id="5.2-26 provider of a share",
        ),
        pytest.param(
            "shares.csv",
            "place,region,us-weast,tokens,,0.7\n",
            "shares.csv, row 4 (place), column value: expected the name of a known region, "
            'got "us-weast" (did you mean "us-west"?)',
            id="5.2-26 region of a share",
        ),
        pytest.param(
            "shares.csv",
            "google,pools,west,tokens,,0.7\n",
            "shares.csv, row 4 (google), column attribute: expected one of provider, chip, "
            'region, pool, got "pools" (did you mean "pool"?)',
            id="5.2-26 attribute of a share",
        ),
        pytest.param(
            "residency.csv",
            "code,us-eastt\n",
            "residency.csv, row 4, column region: expected the name of a known region of a pool, "
            'got "us-eastt" (did you mean "us-east"?)',
            id="5.2-26 region of residency",
        ),
        pytest.param(
            "routes.csv",
            "Chat,east,1,,,,\n",
            "routes.csv, row 6, column workload: expected the name of a workload in "
            'workloads.csv, got "Chat" (did you mean "chat"?)',
            id="5.2-26 workload in another case",
        ),
        pytest.param(
            "routes.csv",
            "code,weest,1,,,,\n",
            "routes.csv, row 6, column pool: expected the name of a pool in pools.csv, "
            'got "weest" (did you mean "west"?)',
            id="5.2-26 pool of a route",
        ),
        pytest.param(
            "routes.csv",
            "code,zzzzzz,1,,,,\n",
            "routes.csv, row 6, column pool: expected the name of a pool in pools.csv, "
            'got "zzzzzz"',
            id="5.2-26 nothing near",
        ),
        pytest.param(
            "demand.csv",
            "chatt,1,1,1\n",
            "demand.csv, row 5, column workload: expected the name of a workload in "
            'workloads.csv, got "chatt" (did you mean "chat"?)',
            id="5.2-26 row of demand",
        ),
        pytest.param(
            "routes.csv",
            ",east,1,,,,\n",
            "routes.csv, row 6, column workload: expected the name of a workload in "
            "workloads.csv, got nothing",
            id="5.2-28 empty reference",
        ),
        pytest.param(
            "demand.csv",
            ",1,1,1\n",
            "demand.csv, row 5, column workload: expected the name of a workload in "
            "workloads.csv, got nothing",
            id="5.2-28 empty name of a row",
        ),
        pytest.param(
            "shares.csv",
            ",pool,east,compute,,0.7\n",
            "shares.csv, row 4, column share: expected a name that is not blank, got nothing",
            id="5.2-28 empty id",
        ),
        pytest.param(
            "shares.csv",
            "   ,pool,east,compute,,0.7\n",
            'shares.csv, row 4, column share: expected a name that is not blank, got "   "',
            id="5.2-28 spaces only",
        ),
        pytest.param(
            "shares.csv",
            "\u00a0\u3000,pool,east,compute,,0.7\n",
            "shares.csv, row 4, column share: expected a name that is not blank, "
            'got "\\xa0\\u3000"',
            id="5.2-28 other spaces only",
        ),
        pytest.param(
            "shares.csv",
            "a" * 10_000 + ",pool,east,compute,,0.7\n",
            "shares.csv, row 4, column share: expected a name of at most 256 characters, "
            f'got "{"a" * 37}..."',
            id="5.2-28 10,000 characters",
        ),
    ],
)
def test_refused_row(folder: Folder, table: str, line: str, problem: str) -> None:
    folder.file(table, folder.text(table) + line)
    assert folder.problems() == [problem]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("H100", "h100", id="5.2-25 case"),
        pytest.param("H100", "H100 ", id="5.2-25 trailing blank"),
        pytest.param("H100", " h100", id="5.2-25 leading blank and case"),
        pytest.param(COMPOSED, DECOMPOSED, id="5.2-25 composed and decomposed"),
        pytest.param("stra\u00dfe", "STRASSE", id="5.2-25 full case folding"),
        pytest.param("H100", "\uff28\uff11\uff10\uff10", id="5.2-25 full-width"),
        pytest.param("H100", "H\u200d100", id="5.2-25 joiner that draws nothing"),
        pytest.param("\u2764", "\u2764\ufe0f", id="5.2-25 variation selector"),
        pytest.param("a b", "a\u00a0b", id="5.2-25 no-break space"),
    ],
)
def test_names_that_look_the_same(folder: Folder, first: str, second: str) -> None:
    folder.rename("east", first).rename("west", second)
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in second)
    shown = shown.replace("\\u00a0", "\\xa0")
    assert folder.problems() == [
        "pools.csv, row 3, column pool: expected a name that cannot be confused with "
        f'"{first}", got "{shown}" (first used at pools.csv, row 2)'
    ]


def test_5_2_25_labels_that_form_groups_may_not_look_the_same(folder: Folder) -> None:
    folder.cell("workloads", 3, "model", "Large").cell("workloads", 4, "traffic_class", "AGENTIC")
    assert folder.problems() == [
        "workloads.csv, row 3 (code), column model: expected a name that cannot be confused "
        'with "large", got "Large" (first used at workloads.csv, row 2)',
        "workloads.csv, row 4 (batch), column traffic_class: expected a name that cannot be "
        'confused with "agentic", got "AGENTIC" (first used at workloads.csv, row 3)',
    ]


@pytest.mark.parametrize(
    "name",
    [
        *(
            pytest.param(name, id=f"5.2-27 {name}")
            for name in (
                "007",
                "1e5",
                "NA",
                "null",
                "True",
                "2026-01-01",
                "nan",
                "None",
                "0x10",
                "-",
                "1.0",
            )
        ),
        pytest.param("\u4e91\u6c60-\u4e00", id="5.2-29 CJK"),
        pytest.param("\U0001f680", id="5.2-29 emoji"),
        pytest.param("\U0001f469\u200d\U0001f4bb", id="5.2-29 emoji with joiner"),
        pytest.param("\u0645\u062e\u0632\u0646", id="5.2-29 Arabic"),
        pytest.param("\u05de\u05d0\u05d2\u05e8", id="5.2-29 Hebrew"),
        pytest.param("\u0915\u094d\u200d\u0937", id="5.2-29 Devanagari with joiner"),
        pytest.param(DECOMPOSED, id="5.2-29 combining mark"),
        pytest.param("=cmd|'/C calc'!A0", id="5.2-31 formula"),
        pytest.param("@x", id="5.2-31 at"),
        pytest.param("+1", id="5.2-31 plus"),
        pytest.param("-1", id="5.2-31 minus"),
        pytest.param("<script>alert(1)</script>", id="5.2-32 script"),
        pytest.param("{{7*7}}", id="5.2-32 template"),
        pytest.param("${x}", id="5.2-32 shell"),
        pytest.param("../../etc/x", id="5.2-33 path upwards"),
        pytest.param("C:\\x", id="5.2-33 drive"),
        pytest.param("CON", id="5.2-33 device name"),
        pytest.param("a/b", id="5.2-33 slash"),
        pytest.param("a" * 256, id="5.2-28 longest"),
        pytest.param('say "hi", twice', id="5.2-31 quotes and comma"),
        pytest.param("#east", id="5.2-31 comment sign"),
        pytest.param("x_east", id="5.2-31 prefix of free columns"),
    ],
)
def test_name_is_kept_exactly(folder: Folder, name: str) -> None:
    before = folder.read()
    instance = folder.rename("east", name).rename("chat", name[:255] + "!").read()
    assert instance.pools.pool == (name, "west")
    assert instance.workloads.workload == (name[:255] + "!", "code", "batch")
    assert instance.shares.value[1] == name
    assert instance.routes.pool.tolist() == before.routes.pool.tolist()
    assert instance.demand_mtok.tolist() == before.demand_mtok.tolist()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("a\u202eb", "a\\u202eb", id="5.2-30 direction override"),
        pytest.param("a\u2066b", "a\\u2066b", id="5.2-30 direction isolate"),
        pytest.param("a\u200bb", "a\\u200bb", id="5.2-30 zero-width space"),
        pytest.param("a\ufeffb", "a\\ufeffb", id="5.2-30 byte order mark inside"),
        pytest.param("a\u00adb", "a\\xadb", id="5.2-30 soft hyphen"),
        pytest.param("a\x07b", "a\\x07b", id="5.2-30 bell"),
        pytest.param("a\x1b[31mb", "a\\x1b[31mb", id="5.2-30 terminal escape"),
        pytest.param("a\tb", "a\\tb", id="5.2-30 tab"),
        pytest.param("a\nb", "a\\nb", id="5.2-30 newline"),
        pytest.param("a\u2028b", "a\\u2028b", id="5.2-30 line separator"),
        pytest.param("a\ue000b", "a\\ue000b", id="5.2-30 private use"),
    ],
)
def test_name_that_does_not_show(folder: Folder, name: str, shown: str) -> None:
    folder.rename("east", name)
    # The share that limits the pool names it too.
    assert folder.problems() == [
        f'pools.csv, row 2, column pool: {INVISIBLE}"{shown}"',
        f'shares.csv, row 3 (east-compute), column value: {INVISIBLE}"{shown}"',
    ]


def test_5_2_30_NUL(folder: Folder) -> None:
    folder.replace("pools.csv", "\nwest", "\nwe\0st")
    offset = folder.text("pools.csv").encode().index(b"\0")
    assert (
        folder.problems()[0] == f"pools.csv, line 3, byte {offset}: expected text, got a NUL byte"
    )


def test_5_2_29_labels_are_sorted_by_code_point(folder: Folder) -> None:
    # In UTF-16, which some programs sort by, the rocket comes first.
    folder.without("shares.csv")
    folder.cell("pools", 2, "provider", "\U0001f680").cell("pools", 3, "provider", "\uff5e")
    assert folder.read().pools.provider.names == ("\uff5e", "\U0001f680")


def test_5_2_24_three_rows_of_one_name_are_two_problems(folder: Folder) -> None:
    line = "chat,east,0.5,,,,\n"
    folder.file("routes.csv", folder.text("routes.csv") + line + line)
    assert folder.problems() == [
        f'routes.csv, row {row}: expected one row per workload and pool, got "chat" and "east" '
        "again (first used at routes.csv, row 2)"
        for row in (6, 7)
    ]


def test_5_2_24_a_broken_reference_does_not_hide_a_double_row(folder: Folder) -> None:
    folder.file("routes.csv", folder.text("routes.csv") + "chat,east,1,,,,\nnobody,east,1,,,,\n")
    assert folder.problems() == [
        "routes.csv, row 7, column workload: expected the name of a workload in workloads.csv, "
        'got "nobody"',
        'routes.csv, row 6: expected one row per workload and pool, got "chat" and "east" again '
        "(first used at routes.csv, row 2)",
    ]


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        pytest.param(
            "purchase",
            "on-demand",
            'expected one of reserved, on_demand, spot, got "on-demand" '
            '(did you mean "on_demand"?)',
            id="5.2-26 purchase",
        ),
        pytest.param(
            "purchase",
            "",
            "expected one of reserved, on_demand, spot, got nothing",
            id="5.2-28 purchase",
        ),
        pytest.param(
            "status",
            "avaliable",
            'expected one of available, ordered, in_talks, got "avaliable" '
            '(did you mean "available"?)',
            id="5.2-26 status",
        ),
        pytest.param(
            "provider", "", "expected a name that is not blank, got nothing", id="5.2-28 provider"
        ),
    ],
)
def test_refused_label(folder: Folder, column: str, value: str, problem: str) -> None:
    # The provider of east is limited by no share.
    folder.cell("pools", 2, column, value)
    assert folder.problems() == [f"pools.csv, row 2 (east), column {column}: {problem}"]


def test_5_2_28_row_of_demand_that_is_missing(folder: Folder) -> None:
    folder.replace("demand.csv", "code,1,2,3\n", "")
    assert folder.problems() == [
        'demand.csv: expected a row for each workload, got none for "code"'
    ]


def test_5_2_35_pool_that_no_route_names_is_accepted(folder: Folder) -> None:
    folder.replace("routes.csv", "chat,east,0.5,0.01,10,maker,estimate\n", "")
    folder.replace("routes.csv", "code,east,0.5,,,,\n", "")
    assert folder.read().num_routes == 2


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param('""', 'expected a name that is not blank, got ""', id="5.2-28 empty"),
        pytest.param("7", "expected text on one line, got 7", id="5.2-27 number"),
        pytest.param(r'"a\nb"', INVISIBLE + r'"a\nb"', id="5.2-30 newline"),
        pytest.param(r'"a\u202eb"', INVISIBLE + r'"a\u202eb"', id="5.2-30 direction override"),
        pytest.param(
            '"' + "n" * 300 + '"',
            f'expected a name of at most 256 characters, got "{"n" * 37}..."',
            id="5.2-28 300 characters",
        ),
    ],
)
def test_refused_name_of_the_instance(folder: Folder, value: str, problem: str) -> None:
    assert folder.toml("name", value).problems() == [f"instance.toml, name: {problem}"]


def test_thousands_of_unknown_names_are_refused_quickly_and_counted(folder: Folder) -> None:
    rows = "".join(f"nobody-{i},east,1,,,,\n" for i in range(20_000))
    folder.file("routes.csv", folder.text("routes.csv") + rows)
    folder.file(
        "demand.csv",
        folder.text("demand.csv") + "".join(f"nobody-{i},1,1,1\n" for i in range(20_000)),
    )
    assert len(folder.problems()) == 50
