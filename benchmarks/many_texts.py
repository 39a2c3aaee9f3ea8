"""`keras-bert predict --processes` on many texts: rows a second, and the memory of all its processes as they go.

    python benchmarks/many_texts.py --many_model=runs/small/model --many_rows=sst2/train.tsv --many_count=100000

The texts of the first column of a .tsv file are repeated until there are enough. Memory is what is resident (VmRSS), of
the program and of its workers together, a quarter of the way on and at its most.
"""

import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from absl import app, flags

FLAGS = flags.FLAGS

flags.DEFINE_string("many_model", None, "Folder of the model.", required=True)
flags.DEFINE_string("many_rows", None, "A .tsv file with a header, whose first column is answered.", required=True)
flags.DEFINE_integer("many_count", 100_000, "How many texts.")
flags.DEFINE_list("many_processes", ["1", "2"], "Values of --processes.")

_SECONDS = 0.25  # between two looks at the memory


def main(_: list[str]) -> None:
    """Prints a JSON object for each number of processes."""
    with tempfile.TemporaryDirectory() as folder:
        texts = [line.split("\t")[0] for line in Path(FLAGS.many_rows).read_text(encoding="utf-8").splitlines()[1:]]
        source = Path(folder, "texts.txt")
        with source.open("w", encoding="utf-8") as file:
            file.writelines(text + "\n" for text in itertools.islice(itertools.cycle(texts), FLAGS.many_count))
        for processes in map(int, FLAGS.many_processes):
            print(json.dumps(measure(source, Path(folder, "answers.jsonl"), processes)), flush=True)


def measure(source: Path, output: Path, processes: int) -> dict[str, float]:
    """Runs the program once."""
    output.unlink(missing_ok=True)
    command = [sys.executable, "-m", "keras_bert.scripts.predict", f"--model={FLAGS.many_model}", f"--input={source}"]
    command += [f"--output={output}", f"--processes={processes}"]
    begin, seen, before = time.monotonic(), [], processor_seconds()
    with subprocess.Popen(command) as program:
        while program.poll() is None:
            seen.append(resident(program.pid) / 1e6)
            time.sleep(_SECONDS)
        if program.returncode:
            sys.exit(program.returncode)
    seconds = time.monotonic() - begin
    return {
        "processes": processes,
        "rows": FLAGS.many_count,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor_seconds() - before, 1),
        "rows_a_second": round(FLAGS.many_count / seconds),
        "megabytes_at_a_quarter": round(seen[len(seen) // 4]),
        "megabytes_at_most": round(max(seen)),
    }


def processor_seconds() -> float:
    """Returns the seconds of processor of all processes that have ended by now."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def resident(process: int) -> int:
    """Returns the bytes that a process and those that it started hold in memory; 0 for one that has ended."""
    try:
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
        started = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    own = int(fields["VmRSS"].split()[0]) * 1024 if "VmRSS" in fields else 0
    return own + sum(resident(int(child)) for child in started)


if __name__ == "__main__":
    app.run(main)
