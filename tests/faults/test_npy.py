"""Section 5.5 of the catalogue of bad inputs: ``.npy`` files."""

from __future__ import annotations

import contextlib
import io
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from optimizer.errors import InputError
from optimizer.instance.npy_file import read_npy
from tests.faults.folder import Folder

SOUND = np.array([[10.0, 20, 30], [1, 2, 3], [5, 0, 7.5]])
TYPES = "demand.npy: expected numbers of type <f8 or <f4, got "


class Trap:
    """An object that leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (_spring, (str(self.mark),))


def _spring(mark: str) -> str:
    Path(mark).write_text("unpickled")
    return mark


def header(text: str, version: bytes = b"\x01\x00") -> bytes:
    """Make a ``.npy`` file of a header alone."""
    padded = text + " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY" + version + len(padded).to_bytes(2, "little") + padded.encode()


def test_5_5_71_objects_are_refused_and_never_unpickled(folder: Folder, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    trap = np.empty((3, 3), object)
    trap[:] = Trap(mark)
    folder.npy("demand", trap)
    assert folder.problems() == [f"{TYPES}object"]
    assert not mark.exists()
    # The trap works: it would have gone off.
    np.load(folder.path / "demand.npy", allow_pickle=True)
    assert mark.exists()


def test_5_5_71_a_pickle_named_npy(folder: Folder, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    folder.without("demand.csv").file("demand.npy", pickle.dumps(Trap(mark)))
    (problem,) = folder.problems()
    assert problem.startswith("demand.npy: expected a .npy file of version 1 or 2, got ")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        pytest.param(
            SOUND.T[:2],
            "demand.npy: expected shape (3, 3) (rows, periods), got (2, 3)",
            id="5.5-69 too few rows",
        ),
        pytest.param(
            SOUND.ravel(),
            "demand.npy: expected shape (3, 3) (rows, periods), got (9,)",
            id="5.5-69 one axis",
        ),
        pytest.param(
            np.float64(1),
            "demand.npy: expected shape (3, 3) (rows, periods), got ()",
            id="5.5-69 no axis",
        ),
        pytest.param(SOUND.astype(int), f"{TYPES}int64", id="5.5-68 integers"),
        pytest.param(SOUND.astype(">f8"), f"{TYPES}>f8", id="5.5-68 big-endian"),
        pytest.param(SOUND.astype(np.float16), f"{TYPES}float16", id="5.5-68 half"),
        pytest.param(SOUND.astype(complex), f"{TYPES}complex128", id="5.5-68 complex"),
        pytest.param(SOUND.astype(str), f"{TYPES}<U32", id="5.5-68 text"),
        pytest.param(
            np.asfortranarray(SOUND),
            "demand.npy: expected rows stored one after the other (C order), got columns "
            "(save numpy.ascontiguousarray(matrix))",
            id="5.5-68 Fortran order",
        ),
        pytest.param(
            np.where(SOUND == 3, np.nan, SOUND),
            "demand.npy, row 1 (code), column 2: expected a finite number >= 0 [Mtok], got nan",
            id="5.1-01 NaN",
        ),
        pytest.param(
            np.where(SOUND == 5, -np.inf, SOUND),
            "demand.npy, row 2 (batch), column 0: expected a finite number up to 1e+15 [Mtok], "
            "got -inf (check the unit)",
            id="5.1-02 -inf",
        ),
        pytest.param(
            np.where(SOUND == 5, -5, SOUND),
            "demand.npy, row 2 (batch), column 0: expected a finite number >= 0 [Mtok], got -5",
            id="5.1-04 negative",
        ),
        pytest.param(
            np.where(SOUND == 5, 5e-324, SOUND),
            "demand.npy, row 2 (batch), column 0: expected 0 or a number of at least 1e-15 "
            "[Mtok], got 5e-324 (check the unit)",
            id="5.1-10 subnormal",
        ),
    ],
)
def test_refused_array(folder: Folder, values: np.ndarray, problem: str) -> None:
    assert folder.npy("demand", values).problems() == [problem]


def test_5_1_01_unknown_price_cannot_be_said_in_an_array(folder: Folder) -> None:
    folder.npy("prices", np.array([[1, 2, 3], [4, np.nan, 6]]))
    assert folder.problems() == [
        "prices.npy, row 1 (west), column 1: expected a finite number >= 0 [USD/chip-hour], got nan"
    ]


@pytest.mark.parametrize("cut", [1, 8, 71])
def test_5_5_66_truncated(folder: Folder, cut: int) -> None:
    folder.npy("demand")
    data = (folder.path / "demand.npy").read_bytes()
    folder.file("demand.npy", data[:-cut])
    assert folder.problems() == [
        f"demand.npy: expected 200 bytes for shape (3, 3) [bytes], got {200 - cut}"
    ]


def test_5_5_66_bytes_behind_the_numbers(folder: Folder) -> None:
    folder.npy("demand")
    folder.file("demand.npy", (folder.path / "demand.npy").read_bytes() + b"\0" * 8)
    assert folder.problems() == ["demand.npy: expected 200 bytes for shape (3, 3) [bytes], got 208"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="5.5-66 0 bytes"),
        pytest.param(b"\x93NUMPY", id="5.5-66 mark only"),
        pytest.param(b"\x93NUMPY\x01\x00\xff\xff", id="5.5-66 header cut"),
        pytest.param(b"workload,0,1,2\n", id="5.5-66 CSV renamed"),
        pytest.param(header("{}", b"\x09\x00"), id="5.5-66 version 9"),
        pytest.param(header("{}"), id="5.5-66 empty header"),
        pytest.param(header("__import__('os').getcwd()"), id="5.5-66 code in the header"),
        pytest.param(
            header("{'descr': '<f8', 'fortran_order': False, 'shape': 'x'}"),
            id="5.5-66 text for a shape",
        ),
        pytest.param(
            header("{'descr': 'nonsense', 'fortran_order': False, 'shape': (3, 3)}"),
            id="5.5-66 unknown type",
        ),
        pytest.param(header("(" * 5000), id="5.5-73 nested header"),
        pytest.param(header("-" * 9000 + "1"), id="5.5-73 header of signs"),
        pytest.param(header("'''" + "a" * 100), id="5.5-66 open text in the header"),
    ],
)
def test_damaged_header(folder: Folder, content: bytes) -> None:
    folder.without("demand.csv").file("demand.npy", content)
    (problem,) = folder.problems()
    assert problem.startswith("demand.npy: expected a .npy file of version 1 or 2, got ")


@pytest.mark.parametrize("shape", ["(1000000, 1000000)", "(3, 1000000000000)", "(-1, 3)"])
def test_5_5_69_announced_elements_are_never_allocated(folder: Folder, shape: str) -> None:
    content = header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}")
    folder.without("demand.csv").file("demand.npy", content)
    tracemalloc.start()
    try:
        problems = folder.problems()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert problems == [f"demand.npy: expected shape (3, 3) (rows, periods), got {shape}"]
    assert peak < 2**20


def test_5_5_66_flipped_bytes_of_the_header_never_raise_anything_else(tmp_path: Path) -> None:
    out = io.BytesIO()
    np.save(out, SOUND)
    sound = out.getvalue()
    path = tmp_path / "demand.npy"
    for position in range(128):
        for mask in (0x01, 0x20, 0xFF):
            data = bytearray(sound)
            data[position] ^= mask
            path.write_bytes(bytes(data))
            # Flips that leave a legal header may be read; anything but InputError fails here.
            with contextlib.suppress(InputError):
                assert read_npy(path, (3, 3)).shape == (3, 3)


@pytest.mark.parametrize("dtype", ["<f8", "<f4"])
def test_5_5_68_floats_are_accepted(folder: Folder, dtype: str) -> None:
    digest = folder.read().digest
    instance = folder.npy("demand", SOUND.astype(dtype)).read()
    assert instance.demand_mtok.dtype == np.float64
    assert instance.digest == digest


def test_header_of_version_2(folder: Folder) -> None:
    digest = folder.read().digest
    folder.without("demand.csv")
    with (folder.path / "demand.npy").open("wb") as stream:
        np.lib.format.write_array(stream, SOUND, version=(2, 0))
    assert folder.read().digest == digest


def test_5_1_09_minus_zero_becomes_0(folder: Folder) -> None:
    digest = folder.read().digest
    instance = folder.npy("demand", np.where(SOUND == 0, -0.0, SOUND)).read()
    assert not np.signbit(instance.demand_mtok).any()
    assert instance.digest == digest


def test_float64_stays_mapped_and_cannot_be_written(folder: Folder) -> None:
    demand = folder.npy("demand").read().demand_mtok
    assert isinstance(demand.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        demand[0, 0] = 1
