"""Times programs against each other, in turn, A B A B, each in a process of its own.

A contestant is a program of `contestants/`. It gets a job (a JSON object) on its command line, makes everything ready,
does the job once to warm up, and writes its outputs to the file `outputs`, so that they are compared before anything is
timed. Then, for every line on its standard input, it does the job once and prints the seconds that took, by the clock
and of processors. While one runs the others wait for their line and use no processor.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

CONTESTANTS = Path(__file__).parent / "contestants"
# Threads that wait by spinning would take the cores from whoever's turn it is.
PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}


class Entry(NamedTuple):
    """One side of a contest.

    Attributes:
        program: Name of a file in `contestants/`.
        job: What it is to do; see there.
        tolerance: How far its outputs may be from those of the first entry, at most.
        python: The interpreter, for a contestant whose packages live in another environment.
    """

    program: str
    job: Mapping[str, Any]
    tolerance: float
    python: str = sys.executable


class Result(NamedTuple):
    """What a contest found of one side.

    Attributes:
        seconds: Of every round.
        ratios: Its seconds over those of the first entry, of every round.
        difference: The largest distance of its outputs from those of the first entry.
        peak_mib: Peak resident memory of its process, MiB.
        processor: Seconds of all its threads together, of every round.
        outputs: What it gave, an array.
    """

    seconds: list[float]
    ratios: list[float]
    difference: float
    peak_mib: float
    processor: list[float]
    outputs: np.ndarray


def contest(entries: Mapping[str, Entry], rounds: int) -> dict[str, Result]:
    """Lets programs do the same job in turn.

    Args:
        entries: Name → side; the first is the one that the others are compared with.
        rounds: How often each does its job.

    Returns:
        Name → result.

    Raises:
        SystemExit: A side fails, or its outputs differ by more than its tolerance.
    """
    with tempfile.TemporaryDirectory() as folder:
        running = {name: _Contestant(name, entry, Path(folder)) for name, entry in entries.items()}
        try:
            first, *_ = running
            expected = running[first].outputs()
            differences = {name: _difference(name, side.outputs(), expected) for name, side in running.items()}
            for name, difference in differences.items():
                if difference > entries[name].tolerance:
                    raise SystemExit(f"{name}: its outputs differ by {difference:.2g}; there is nothing to time")
            seconds: dict[str, list[float]] = {name: [] for name in running}
            processor: dict[str, list[float]] = {name: [] for name in running}
            for _ in range(rounds):
                for name, side in running.items():
                    times = side.run()
                    seconds[name].append(times[0])
                    processor[name].append(times[1])
            outputs = {name: side.outputs() for name, side in running.items()}
            peaks = {name: side.end() for name, side in running.items()}
        finally:
            for side in running.values():
                side.kill()
    return {
        name: Result(
            times,
            [time / base for time, base in zip(times, seconds[first], strict=True)],
            differences[name],
            peaks[name],
            processor[name],
            outputs[name],
        )
        for name, times in seconds.items()
    }


def table(results: Mapping[str, Result], items: int | None, unit: str) -> str:
    """Returns a contest as a Markdown table.

    Args:
        results: What `contest` found.
        items: How many things one job does; None where its time is that of one of them, and the table is to say it.
        unit: What they are: `examples`.
    """
    measure = f"{unit} a second" if items else f"ms for {unit}"
    lines = [f"| | {measure} | times as long as the first | peak memory |", "|---|---|---|---|"]
    for name, result in results.items():
        seconds, ratio = statistics.median(result.seconds), statistics.median(result.ratios)
        rate = f"{items / seconds:.1f}" if items else f"{1000 * seconds:.2f}"
        spread = f"{min(result.ratios):.2f} to {max(result.ratios):.2f}"
        lines.append(f"| {name} | {rate} | {ratio:.2f} ({spread}) | {result.peak_mib:,.0f} MiB |")
    return "\n".join(lines)


def serve(prepare: Callable[[dict[str, Any]], tuple[Callable[[], Any], Any]]) -> None:
    """Runs a contestant: the other end of `contest`.

    Args:
        prepare: From the job to a function that does it once and to its outputs, an array. Where the function returns
            a float, that is the time that counts, in seconds.
    """
    job = json.loads(sys.argv[1])
    # What libraries print while they load is not part of the conversation.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    run, outputs = prepare(job)
    np.save(job["outputs"], np.asarray(outputs, "float32"))
    print("ready", file=answers)
    for _ in sys.stdin:
        began, used = time.perf_counter(), time.process_time()
        own = run()
        seconds = own if isinstance(own, float) else time.perf_counter() - began
        part = job.get("part", 1)
        print(seconds * part, (time.process_time() - used) * part, file=answers)
    print(_peak_mib(), file=answers)


def _peak_mib() -> float:
    # Not getrusage: what it counts begins with the memory of the process that started this one.
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


class _Contestant:
    def __init__(self, name: str, entry: Entry, folder: Path) -> None:
        self.name = name
        self._outputs = folder / f"{len(list(folder.iterdir()))}.npy"
        self._outputs.touch()
        job = json.dumps({**entry.job, "outputs": str(self._outputs)})
        paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [entry.python, str(CONTESTANTS / f"{entry.program}.py"), job],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **PASSIVE, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name}: ended with status {self._process.wait()}")
        return line

    def outputs(self) -> np.ndarray:
        return np.load(self._outputs)

    def run(self) -> tuple[float, float]:
        """Returns the seconds of the clock and those of processors."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        seconds, processor = map(float, self._line().split())
        return seconds, processor

    def end(self) -> float:
        assert self._process.stdin is not None
        self._process.stdin.close()
        return float(self._line())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def _difference(name: str, outputs: np.ndarray, expected: np.ndarray) -> float:
    if outputs.shape != expected.shape:
        raise SystemExit(f"{name}: its outputs have the shape {outputs.shape}, expected {expected.shape}")
    return float(np.abs(outputs - expected).max())
