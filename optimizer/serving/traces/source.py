"""A file that is being read: where it is, what is said about it, who counts its faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from optimizer.errors import InputError, Problem
from optimizer.instance.identity import faults_of
from optimizer.instance.places import nearest, quoted, shown
from optimizer.progress import Progress
from optimizer.serving.traces.bad_lines import BadLines
from optimizer.serving.traces.blocks import Block, TraceFile, blocks, first_line
from optimizer.serving.traces.clock import Clock
from optimizer.serving.traces.order import Order
from optimizer.serving.traces.requests import Kind, Kinds
from optimizer.serving.traces.settings import TraceSettings
from optimizer.serving.traces.text_columns import TextColumns, header_fields, text_columns


@dataclass(frozen=True, eq=False, kw_only=True)
class Source:
    """One trace file.

    Attributes
    ----------
    opened : the file, open for as long as it is read.
    said : what its user says about it; empty fields are left to the trace.
    settings, progress, bad, kinds, notes : shared by all files of an import.
    clock, order : of this file.
    """

    opened: TraceFile
    said: Kind
    settings: TraceSettings
    progress: Progress
    bad: BadLines
    kinds: Kinds
    notes: list[str]
    clock: Clock
    order: Order

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.opened.path

    @property
    def file(self) -> str:
        """Name of the file, for messages."""
        return shown(self.path.name)

    def blocks(self) -> Iterator[Block]:
        """The lines of the file."""
        block = None
        for block in blocks(self.opened, self.progress):
            yield block
        if block is not None and not block.data.endswith(b"\n"):
            self.notes.append(
                f"{self.file}: no line end behind the last line; if the file was cut off, the last "
                "number may be too short"
            )

    def header(self, *needed: str) -> list[str]:
        """Names of the columns of a CSV file.

        Raises
        ------
        InputError
            When a name is blank or comes twice, or a needed one is missing.
        """
        names = header_fields(first_line(self.path))
        twice = [name for at, name in enumerate(names) if not name or name in names[:at]]
        if twice:
            raise InputError(
                Problem(f"{self.file}, line 1", "column names, each once", quoted(twice[0]))
            )
        missing = [
            Problem(
                f"{self.file}, line 1", f"a column {quoted(name)}", "none", fix=nearest(name, names)
            )
            for name in needed
            if name not in names
        ]
        if missing:
            raise InputError(missing)
        return names

    def text(self, header: list[str]) -> Iterator[TextColumns]:
        """The lines behind the header, a block at a time, as columns of text."""
        for block in self.blocks():
            if block.first_line == 1:
                _, _, data = block.data.partition(b"\n")
                block = Block(2, data)
            columns = text_columns(self.file, block, header, self.bad)
            if len(columns.line) > 0:
                yield columns

    def kind(self, *labels: str, name: str = "", **found: str) -> tuple[int, str]:
        """Code of the kind of traffic that a row belongs to.

        Parameters
        ----------
        labels : texts of the trace that tell workloads of this file apart, for their names.
        name : name of the workload, where the trace has one.
        found : model, traffic_class, region, where the trace has them.

        Returns
        -------
        code : -1 when a text cannot be a name.
        fault : what was expected of it.
        """
        for text in (*labels, name, *found.values()):
            fault = faults_of(text) if text or text in labels else ""
            if not fault and "\ufffd" in text:
                fault = "UTF-8 text"
            if fault:
                return -1, fault
        said = self.said
        parts = [said.name, name, *labels]
        if not any(parts):
            parts = [self.path.name.split(".")[0]]
        kind = Kind(
            name="-".join(part.strip().replace(" ", "-") for part in parts if part),
            model=said.model or found.get("model", ""),
            traffic_class=said.traffic_class or found.get("traffic_class", ""),
            region=said.region or found.get("region", ""),
        )
        return self.kinds.code(kind), ""
