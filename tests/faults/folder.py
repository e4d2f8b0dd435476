"""A sound small instance folder, and ways to spoil it one cell or file at a time."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from optimizer.errors import InputError
from optimizer.instance.instance import Instance
from optimizer.instance.read import read

SOUND: dict[str, str] = {
    "instance.toml": (
        "format = 1\n"
        'name = "small"\n'
        'title = "Three workloads on two pools"\n'
        'start = "2026-05-04T00:00:00Z"\n'
        "period_hours = 1\n"
        "periods = 3\n"
        "\n"
        "[limits]\n"
        "budget_usd = 1000\n"
    ),
    "workloads.csv": (
        "workload,model,traffic_class,region,unserved_usd_per_mtok,deadline_periods,single_pool,"
        "priority,input_tokens,output_tokens,cached_input_fraction,ttft_ms,tpot_ms,source,basis\n"
        "chat,large,interactive,us,20,0,false,1,1000,200,0.5,800,40,maker,measured\n"
        "code,large,agentic,us,15,1,true,2,4000,500,0.9,,,,\n"
        "batch,small,batch,eu,2,2,,3,,,,,,,\n"
    ),
    "pools.csv": (
        "pool,provider,chip,region,purchase,usd_per_chip_hour,usd_per_chip_hour_low,"
        "usd_per_chip_hour_high,activation_usd,status,source,basis\n"
        "east,AWS,trn2,us-east,reserved,1.5,1,2,10,available,maker,published\n"
        "west,Google,tpu7,us-west,on_demand,3,,,,,,\n"
    ),
    "routes.csv": (
        "workload,pool,chip_hours_per_mtok,usd_per_mtok,latency_ms,source,basis\n"
        "chat,east,0.5,0.01,10,maker,estimate\n"
        "chat,west,0.25,,,,\n"
        "code,east,0.5,,,,\n"
        "batch,west,0.125,,,,\n"
    ),
    "shares.csv": (
        "share,attribute,value,measure,min,max\n"
        "google-tokens,provider,Google,tokens,0.1,0.9\n"
        "east-compute,pool,east,compute,,0.8\n"
    ),
    "residency.csv": "workload,region\nchat,us-east\nchat,us-west\n",
    "sources.csv": 'source,address,note\nmaker,https://example.org/a,"prices, and more"\n',
    "demand.csv": "workload,0,1,2\nchat,10,20,30\ncode,1,2,3\nbatch,5,0,7.5\n",
    "capacity.csv": "pool,0,1,2\neast,8,8,8\nwest,0,16,16\n",
    "prices.csv": "pool,0,1,2\nwest,2.5,,3.5\n",
}
"""Text of the files that say what is asked for and what there is.

Names and numbers are made up for the tests.
"""


FLEET: dict[str, str] = {
    "models.csv": (
        "model,min_replicas,parameters_billion,active_parameters_billion,"
        "replicated_parameters_billion,kv_bytes_per_token,attention_flops_decode,"
        "attention_flops_prefill,source,basis\n"
        "large,1,100,20,2,50000,1e6,1e6,maker,published\n"
        "small,,,,,,,,,\n"
    ),
    "replicas.csv": (
        "model,chip,chips_per_replica,target_utilisation,startup_usd,startup_hours,"
        "max_changes_per_period,source,basis\n"
        "large,trn2,4,0.9,5,0.25,1,maker,estimate\n"
        "large,tpu7,2,,,,,,\n"
        "small,tpu7,1,,,,,,\n"
    ),
    "in_force.csv": "model,pool,replicas\nlarge,east,1\nsmall,west,2\n",
    "contracts.csv": (
        "contract,pool,block_chips,usd_per_chip_hour,first_period,last_period,max_blocks,"
        "activation_usd,source,basis\n"
        "block,east,4,1.2,0,1,2,3,maker,published\n"
        "rest,west,8,2,1,,,,,\n"
    ),
    "outages.csv": (
        "outage,attribute,value,served\neast-lost,pool,east,0.5\nloss,provider,Google,\n"
    ),
    "power.csv": "limit,attribute,value,max_mw\neast-site,region,us-east,0.008\n",
    "qualification.csv": (
        "model,chip,use,qualified_from\n"
        "large,trn2,inference,\n"
        "large,tpu7,both,2026-05-04T01:00:00Z\n"
        "small,tpu7,,2026-05-04T02:00:00+02:00\n"
    ),
    "chips.csv": (
        "chip,memory_gb,memory_tb_per_second,bf16_tflops,fp8_tflops,fp4_tflops,chips_per_domain,"
        "throughput_recorded,source,basis\n"
        "trn2,96,2.9,667,1299,,16,,maker,published\n"
        "tpu7,192,7.4,2307,4614,4614,64,true,,\n"
    ),
    "profiles.csv": (
        "model,chip,configuration,precision,chips_per_replica,max_batch,max_batch_at_tokens,"
        "decode_base_ms,decode_per_seq_ms,prefill_base_ms,prefill_per_token_ms,batching,max_queue,"
        "decode_efficiency,decode_efficiency_low,decode_efficiency_high,prefill_efficiency,"
        "prefill_efficiency_low,prefill_efficiency_high,input_tokens_low,input_tokens_high,"
        "output_tokens_low,output_tokens_high,throughput_low,throughput_high,source,basis\n"
        "large,trn2,tp4,fp8,4,32,,20,0.5,10,0.1,,,0.4,0.3,0.5,0.35,0.2,0.4,,,,,,,,\n"
        "large,tpu7,,fp4,2,64,512,10,0.2,5,0.05,together,640,,,,,,,100,8000,10,2000,0.8,1.2,"
        "maker,measured\n"
        "small,tpu7,table,bf16,1,,,,,,,continuous,,,,,,,,,,,,,,,\n"
    ),
    "throughputs.csv": (
        "model,chip,configuration,input_tokens,output_tokens,requests_per_second,ttft_ms,tpot_ms,"
        "source,basis\n"
        "small,tpu7,table,128,128,4,200,20,maker,measured\n"
        "small,tpu7,table,512,128,2,,,,\n"
        "large,tpu7,,128,128,3,,,,\n"
    ),
    "network.csv": (
        "region,pool_region,round_trip_ms,usd_per_mtok,source,basis\n"
        "us,us-east,20,0.01,maker,measured\n"
        "us,us-west,60,,,\n"
        "eu,us-west,140,,,\n"
    ),
    "exclusions.csv": (
        "exclusion,workload,model,traffic_class,region,provider,chip,pool_region,pool,reason\n"
        "no-small-east,,small,,,,,,east,kept for users\n"
        "no-code-on-tpu,code,large,,us,Google,tpu7,us-west,,\n"
    ),
}
"""Text of the tables that say how the fleet is run."""
FLEET_COLUMNS: tuple[tuple[str, str, list[str]], ...] = (
    ("workloads", "protected", ["true", "", "false"]),
    ("workloads", "input_tokens_cv", ["0.5", "", ""]),
    ("workloads", "output_tokens_cv", ["2", "", ""]),
    ("workloads", "slo_percentile", ["95", "", ""]),
    ("workloads", "max_round_trip_ms", ["150", "", ""]),
    ("workloads", "burstiness", ["1.5", "", ""]),
    ("workloads", "demand_low", ["0.5", "", ""]),
    ("workloads", "demand_high", ["2", "", ""]),
    ("pools", "watts_per_chip", ["1000", ""]),
    ("routes", "configuration", ["tp4", "", "", ""]),
    ("shares", "per", ["period", ""]),
)
"""Columns of the other tables that go with them."""


@dataclass(frozen=True)
class Folder:
    """An instance folder that a test may change before it reads it."""

    path: Path

    @classmethod
    def sound(cls, path: Path) -> Folder:
        """Write the sound instance."""
        path.mkdir(parents=True, exist_ok=True)
        folder = cls(path)
        for name, text in SOUND.items():
            folder.file(name, text)
        return folder

    @classmethod
    def fleet(cls, path: Path) -> Folder:
        """Write the sound instance with every table and every column."""
        folder = cls.sound(path)
        for name, text in FLEET.items():
            folder.file(name, text)
        for table, column, values in FLEET_COLUMNS:
            rows = list(csv.reader(io.StringIO(folder.text(f"{table}.csv"))))
            added = zip(rows, [column, *values], strict=True)
            folder.rows(table, [[*row, value] for row, value in added])
        return folder

    def file(self, name: str, content: str | bytes) -> Folder:
        """Write a file as it is, byte for byte."""
        data = content.encode() if isinstance(content, str) else content
        (self.path / name).write_bytes(data)
        return self

    def text(self, name: str) -> str:
        """Content of a file."""
        return (self.path / name).read_bytes().decode()

    def without(self, *names: str) -> Folder:
        """Remove files."""
        for name in names:
            (self.path / name).unlink()
        return self

    def replace(self, name: str, old: str, new: str) -> Folder:
        """Replace a piece of text that occurs in a file."""
        before = self.text(name)
        assert old in before, (name, old)
        return self.file(name, before.replace(old, new))

    def toml(self, key: str, value: str) -> Folder:
        """Give a key of the manifest another value, written as TOML."""
        lines = self.text("instance.toml").splitlines(keepends=True)
        assert any(line.startswith(f"{key} =") for line in lines), key
        lines = [f"{key} = {value}\n" if line.startswith(f"{key} =") else line for line in lines]
        return self.file("instance.toml", "".join(lines))

    def cell(self, table: str, row: int, column: str, value: str) -> Folder:
        """Put text into a cell; rows are numbered as in the file, the header being 1."""
        rows = list(csv.reader(io.StringIO(self.text(f"{table}.csv"))))
        rows[row - 1][rows[0].index(column)] = value
        return self.rows(table, rows)

    def rows(self, table: str, rows: list[list[str]]) -> Folder:
        """Write a table from its cells."""
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(rows)
        return self.file(f"{table}.csv", out.getvalue())

    def rename(self, old: str, new: str) -> Folder:
        """Give a workload or a pool another name wherever it is used."""
        for table in ("workloads", "pools", "routes", "shares", "residency"):
            self._rename_in(table, old, new)
        for table in ("demand", "capacity", "prices"):
            self._rename_in(table, old, new)
        return self

    def _rename_in(self, table: str, old: str, new: str) -> None:
        if not (self.path / f"{table}.csv").exists():
            return
        rows = list(csv.reader(io.StringIO(self.text(f"{table}.csv"))))
        self.rows(table, [rows[0], *([new if c == old else c for c in row] for row in rows[1:])])

    def frame(self, table: str) -> pl.DataFrame:
        """Read a table as a program would hold it: numbers where every cell is one."""
        return pl.read_csv(io.BytesIO(self.text(f"{table}.csv").encode()))

    def parquet(self, table: str, frame: pl.DataFrame | None = None) -> Folder:
        """Keep a table in a Parquet file instead."""
        kept = self.frame(table) if frame is None else frame
        self.without(f"{table}.csv")
        kept.write_parquet(self.path / f"{table}.parquet")
        return self

    def npy(self, table: str, values: NDArray[np.generic] | None = None) -> Folder:
        """Keep a wide table in a ``.npy`` file instead."""
        kept = (
            np.ascontiguousarray(self.frame(table)[:, 1:].to_numpy(), float)
            if values is None
            else values
        )
        self.without(f"{table}.csv")
        np.save(self.path / f"{table}.npy", kept, allow_pickle=True)
        return self

    def read(self) -> Instance:
        """Read it; a test that expects no problem lets an error pass."""
        return read(self.path)

    def problems(self) -> list[str]:
        """Every problem of the refusal, as the user sees it; the folder is written FOLDER."""
        with pytest.raises(InputError) as caught:
            read(self.path)
        message = str(caught.value).replace(str(self.path), "FOLDER")
        found = caught.value.problems
        lines = [str(problem).replace(str(self.path), "FOLDER") for problem in found]
        assert not any("\n" in line for line in lines)
        assert message.split("\n")[:20] == lines[:20]
        return lines
