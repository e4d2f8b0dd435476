"""Run peers: ``python -m benchmarks.peers.run [PEER ...] --instances small --out FILE.jsonl``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT, commit, load_average
from benchmarks.peers.answer import PHASES, Answer
from benchmarks.peers.environments import python_of, variables
from benchmarks.peers.instances import CASES, Case, case_named
from benchmarks.peers.registry import PEERS, REFERENCE, Peer, peer_named
from benchmarks.peers.repair import repaired
from benchmarks.peers.table import line_of
from benchmarks.peers.transport import Transport
from benchmarks.peers.verdict import bound_at, judged
from benchmarks.peers.watch import Watched, watched
from benchmarks.record import alone, keep, record
from optimizer.instance.instance import Instance
from optimizer.instance.read import read

CACHE = Path(tempfile.gettempdir()) / "token-placement-peers"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the peers that are named, or all, on the instances that are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.run", description=__doc__)
    parser.add_argument("peers", nargs="*", metavar="PEER", help="by default, every peer")
    parser.add_argument(
        "--instances",
        nargs="+",
        default=["small"],
        metavar="NAME",
        help=", ".join(case.name for case in CASES),
    )
    parser.add_argument("--time-limit", type=float, default=600.0, metavar="S", help="of each run")
    parser.add_argument("--memory-limit", type=float, default=10.0, metavar="GIB")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="where a peer asks")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"by default, {CACHE}")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl", help="file to append to")
    asked = parser.parse_args(arguments)
    try:
        peers = [peer_named(name) for name in asked.peers] or list(PEERS)
        cases = [case_named(name) for name in asked.instances]
    except LookupError as error:
        parser.error(str(error.args[0]))
    cache = asked.cache.resolve()
    for case in cases:
        bench = Bench(case, cache, asked.threads, asked.time_limit, asked.memory_limit * 1024)
        for peer in peers:
            with alone():
                made = bench.run(peer)
            keep(made, asked.out)
            print(f"{case.name}: {line_of(made)}", file=sys.stderr, flush=True)
    return 0


class Bench:
    """One instance and the limits of a run."""

    def __init__(
        self, case: Case, cache: Path, threads: int, limit_s: float, limit_mib: float
    ) -> None:
        self.case, self.cache, self.threads = case, cache, threads
        self.limit_s, self.limit_mib = limit_s, limit_mib
        self.folder = case.folder(cache)
        self.arrays = case.arrays(cache)
        self.instance: Instance = read(self.folder)
        self.bound_usd = self._bound()

    def run(self, peer: Peer) -> dict[str, Any]:
        """One run of a peer, judged; gives its record."""
        code, before = commit(), load_average()
        with tempfile.TemporaryDirectory() as scratch:
            ended = self._child(peer, Path(scratch))
            after = load_average()
            if ended.outcome:
                figures: dict[str, Any] = {"seconds": {}, "version": None}
                quality: dict[str, Any] = {"outcome": ended.outcome, "verified": False}
            else:
                figures = json.loads((Path(scratch) / "figures.json").read_text())
                if peer.remote:
                    figures["cpu_seconds"] = ended.cpu_seconds
                answer = Answer.load(Path(scratch) / "answer.npz")
                quality = {"outcome": "answer", **self._judged(answer)}
        own = [figures.get(name, 0.0) for name in ("peak_rss_mib", "ended_child_peak_rss_mib")]
        return record(
            f"{peer.name}/{self.case.name}",
            code,
            (before, after),
            {phase: {"seconds": figures["seconds"].get(phase)} for phase in PHASES},
            quality,
            peer=peer.name,
            title=peer.title,
            instance=self.case.name,
            size={
                "workloads": self.instance.num_workloads,
                "pools": self.instance.num_pools,
                "periods": self.instance.num_periods,
                "routes": self.instance.num_routes,
            },
            version=f"{peer.package} {figures['version']}",
            threads=self.threads,
            time_limit_s=self.limit_s,
            cpu_seconds=figures.get("cpu_seconds", ended.cpu_seconds),
            peak_rss_mib=max(ended.peak_rss_mib, *own),
        )

    def _judged(self, answer: Answer) -> dict[str, Any]:
        """The verdict on the raw answer, and on the repaired one where the raw one is refused."""
        found = {"claim": answer.claim, "notes": answer.notes}
        found |= judged(self.instance, answer, self.bound_usd)
        if not found["verified"]:
            mended = repaired(Transport.load(self.arrays), answer)
            found["repaired"] = judged(self.instance, mended, self.bound_usd)
        return found

    def _child(self, peer: Peer, scratch: Path) -> Watched:
        """Run a peer in its environment, within the limits."""
        python = python_of(peer.environment, self.cache)
        spec = {
            "folder": str(scratch),
            "entrant": peer.entrant,
            "options": {"threads": self.threads, **peer.options}
            if _asks_for_threads(peer)
            else dict(peer.options),
            "by_period": peer.by_period,
            "warm": peer.warm,
            "package": peer.package,
            "arrays": str(self.arrays),
            "instance": str(self.folder),
        }
        path = scratch / "spec.json"
        path.write_text(json.dumps(spec), encoding="utf-8")
        return watched(
            [str(python), "-P", "-m", "benchmarks.peers.child", str(path)],
            variables(ROOT, peer.environment, self.cache),
            scratch / "begun",
            scratch / "log",
            self.limit_s,
            self.limit_mib,
        )

    def _bound(self) -> float:
        """The bound that gaps are measured from: the price method's exact sweep, kept."""
        path = self.arrays.with_suffix(".bound.json")
        if not path.exists():
            with tempfile.TemporaryDirectory() as scratch:
                ended = self._child(REFERENCE, Path(scratch))
                if ended.outcome:
                    raise RuntimeError(f"no bound for {self.case.name}: {ended.outcome}")
                answer = Answer.load(Path(scratch) / "answer.npz")
            bound = bound_at(self.instance, answer)
            path.write_text(json.dumps({"bound_usd": bound}), encoding="utf-8")
        return float(json.loads(path.read_text(encoding="utf-8"))["bound_usd"])


def _asks_for_threads(peer: Peer) -> bool:
    """HiGHS and OR-Tools' solvers keep their own defaults: simplex is serial in both."""
    return peer.entrant not in ("highspy_lp", "ortools_lp")


if __name__ == "__main__":
    # Ended from outside it ends its peers as well, also when it was started in the background.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
