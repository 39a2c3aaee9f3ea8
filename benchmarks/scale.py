"""What do many rows cost: read, prepared, trained from, gone on with, scored; and a checkpoint as a model grows?

    python benchmarks/scale.py --rows=sst2/train.tsv --counts=100000,1000000 [--hidden=128 --layers=2] [--work=FOLDER]

Rows like those of a file such as SST-2's (a header line; text, tab, 0 or 1), each with a number of its own at its end,
in eight files. Every figure is that of a fresh process: seconds, rows a second, and the most memory that was resident.
`memory` trains on rows that `keras_bert.data.read` holds, `shards` on what `keras-bert prepare` wrote of these files.
The two are timed over the same number of steps of one model, each in turn, twice; the ratio is of the better ones.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BATCH = 32
FILES = 8
STEPS = 400
WARM_UP = 20
MOST_IN_MEMORY = 3_000_000
SIZES = {"6 x 384": (6, 384), "12 x 768": (12, 768)}


def main() -> None:
    """Runs the measurements, or one of them as a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, help="a .tsv file with a text and 0 or 1 a line")
    parser.add_argument("--counts", default="100000,1000000", help="numbers of rows")
    parser.add_argument("--hidden", type=int, default=128, help="units of the model that is trained")
    parser.add_argument("--layers", type=int, default=2, help="its blocks")
    parser.add_argument("--work", type=Path, help="where the rows and shards are kept; a temporary folder")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--begin", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps({**MEASURES[arguments.only](arguments), "resident": _resident()}))
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        for count in map(int, arguments.counts.split(",")):
            _measure(arguments, work / str(count), count)
    print("\n| model | weights | a checkpoint, seconds | MB |\n|---|---|---|---|")
    for name, (layers, hidden) in SIZES.items():
        found = _process("checkpoint", arguments, Path(), layers=layers, hidden=hidden)
        print(f"| {name} | {found['weights']:,} | {found['seconds']:.2f} | {found['bytes'] / 1e6:.0f} |")


def _measure(arguments: argparse.Namespace, folder: Path, count: int) -> None:
    if not (folder / "rows").is_dir():
        _write_rows(arguments.rows, folder / "rows", count)
    print(f"\n{count:,} rows\n\n| | seconds | rows a second | resident, GB |\n|---|---|---|---|")
    in_memory = count <= MOST_IN_MEMORY
    if in_memory:
        _row("read, held in memory", count, _process("read", arguments, folder))
    if not (folder / "prepared" / "manifest.json").is_file():
        _row("prepared", count, _process("prepare", arguments, folder))
    trained: dict[str, list[dict[str, Any]]] = {"memory": [], "shards": []}
    for _ in range(2):
        for name in ("memory", "shards") if in_memory else ("shards",):
            trained[name].append(_process(name, arguments, folder))
    for name, found in trained.items():
        if found:
            best = min(found, key=lambda each: each["seconds"])
            _row(f"trained from {name}", STEPS * BATCH, best)
            print(f"| first step from {name} | {min(each['first'] for each in found):.1f} | | |")
    if in_memory:
        rates = [STEPS * BATCH / min(each["seconds"] for each in found) for found in trained.values()]
        print(f"| shards / memory | | {rates[1] / rates[0]:.3f} | |")
    late = int(0.9 * count / BATCH)
    for name in trained:
        if trained[name]:
            found = _process(name, arguments, folder, begin=late)
            print(f"| going on at 90 % of an epoch, first step from {name} | {found['first']:.1f} | | |")
    scored = _process("score", arguments, folder)
    _row("scored, prepared", scored["rows"], scored)


def _row(name: str, rows: int, found: dict[str, Any]) -> None:
    resident = found["resident"] / 1e9
    print(f"| {name} | {found['seconds']:.1f} | {rows / found['seconds']:,.0f} | {resident:.2f} |", flush=True)


def _process(name: str, arguments: argparse.Namespace, folder: Path, **changes: Any) -> dict[str, Any]:
    settings = {"hidden": arguments.hidden, "layers": arguments.layers, **changes}
    flags = [f"--{key}={value}" for key, value in settings.items()]
    command = [sys.executable, __file__, f"--only={name}", f"--folder={folder}", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _write_rows(source: Path, folder: Path, count: int) -> None:
    lines = [line.rpartition("\t") for line in source.read_text(encoding="utf-8").splitlines()[1:]]
    folder.mkdir(parents=True)
    for file in range(FILES):
        with (folder / f"part-{file}.tsv").open("w", encoding="utf-8") as target:
            target.write("text\tlabel\n")
            for number in range(file, count, FILES):
                text, _, label = lines[number % len(lines)]
                target.write(f"{text} {number}\t{label}\n")


def _resident() -> int:
    """The most bytes that this process, or one that it started, has held."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) * 1024


def _read_rows(folder: Path) -> Any:
    from keras_bert.data import read

    parts = [read(path, label="label") for path in sorted((folder / "rows").iterdir())]
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.concatenate(part)
    return rows


def _read(arguments: argparse.Namespace) -> dict[str, Any]:
    began = time.perf_counter()
    rows = _read_rows(arguments.folder)
    return {"seconds": time.perf_counter() - began, "rows": int(rows.cardinality())}


def _prepare(arguments: argparse.Namespace) -> dict[str, Any]:
    flags = [f"--train={arguments.folder}/rows/*.tsv", f"--output={arguments.folder}/prepared", "--max_length=64"]
    began = time.perf_counter()
    command = [sys.executable, "-m", "keras_bert.scripts.prepare", *flags]
    subprocess.run(command, check=True, capture_output=True)
    return {"seconds": time.perf_counter() - began}


def _task(arguments: argparse.Namespace) -> Any:
    import dataclasses

    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.config import BertConfig
    from keras_bert.tasks import BertClassifier

    checkpoint = open_checkpoint("minilm")
    config = BertConfig(
        vocab_size=checkpoint.config.vocab_size,
        hidden_size=arguments.hidden,
        num_hidden_layers=arguments.layers,
        num_attention_heads=max(1, arguments.hidden // 64),
        intermediate_size=4 * arguments.hidden,
    )
    small = dataclasses.replace(checkpoint, config=config, tensors={})
    task = BertClassifier.from_preset(
        small, labels=["0", "1"], problem_type="single_label_classification", max_length=64
    )
    task.compile()
    return task


def _train(arguments: argparse.Namespace, from_shards: bool) -> dict[str, Any]:
    """Times the first step from the start of the program's work on, and those after it."""
    import keras

    from keras_bert.data.shards.prepared import PreparedExamples

    times = [time.perf_counter()]
    rows = PreparedExamples(arguments.folder / "prepared") if from_shards else _read_rows(arguments.folder)
    task = _task(arguments)
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: times.append(time.perf_counter()))
    batches = task.batches(rows, BATCH, shuffle=True, seed=1, begin=arguments.begin)
    task.fit(batches.take(WARM_UP + STEPS), callbacks=[note], verbose=0, shuffle=False)
    steps = min(STEPS, len(times) - 2)  # of the end of an epoch there may be fewer
    return {"first": times[1] - times[0], "seconds": (times[-1] - times[-1 - steps]) * STEPS / steps}


def _score(arguments: argparse.Namespace) -> dict[str, Any]:
    from keras_bert.data.shards.prepared import PreparedExamples

    examples, task = PreparedExamples(arguments.folder / "prepared"), _task(arguments)
    began, rows = time.perf_counter(), 0
    for inputs, *_ in task.batches(examples, 64):
        task.predict_on_batch(inputs)
        rows += len(inputs["token_ids"])
        if time.perf_counter() - began > 30:
            break
    return {"seconds": time.perf_counter() - began, "rows": rows}


def _checkpoint(arguments: argparse.Namespace) -> dict[str, Any]:
    import keras

    from keras_bert.training import RunState

    task = _task(arguments)
    task.optimizer.build(task.trainable_variables)
    with tempfile.TemporaryDirectory() as folder:
        state = RunState(Path(folder))
        state.restore(task)
        state.save()
        began = time.perf_counter()
        state.place["steps"] += 1
        state.save()
        seconds = time.perf_counter() - began
        size = sum(path.stat().st_size for path in Path(folder).glob("*")) // 2
    weights = sum(keras.ops.size(variable) for variable in task.trainable_variables)
    return {"seconds": seconds, "bytes": size, "weights": int(weights)}


MEASURES = {
    "read": _read,
    "prepare": _prepare,
    "memory": lambda arguments: _train(arguments, from_shards=False),
    "shards": lambda arguments: _train(arguments, from_shards=True),
    "score": _score,
    "checkpoint": _checkpoint,
}

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
