"""Running the programs inside the test's process, and tiny files and checkpoints for them.

A fresh process spends seconds on importing TensorFlow; here a program is imported anew each time, since two programs
may define the same flag, and ends with SystemExit as always.
"""

import contextlib
import gzip
import importlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl import flags, logging

import keras_bert.scripts
from keras_bert.checkpoints.save import save_hugging_face
from keras_bert.config import BertConfig
from keras_bert.encoder import BertEncoder
from keras_bert.tasks import BertClassifier, BertRegressor, BertTask
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer

ROOT = Path(__file__).resolve().parents[2]

SUBJECTS = ("film", "book", "food", "room", "song", "city", "garden", "game")
GOOD = ("good", "great", "warm", "fine", "bright")
BAD = ("bad", "dull", "cold", "poor", "grey")
FILLERS = ("a", "the", "was", "and", "very", "so", "it", "##s", ".", ",", "-", "é", "中", "##ly")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
VOCABULARY = [*SPECIAL, *SUBJECTS, *GOOD, *BAD, *FILLERS]

CONFIG = BertConfig(
    vocab_size=len(VOCABULARY),
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=32,
    initializer_range=0.1,  # at 0.02 so narrow a model would need long to get off the ground
)


@dataclass
class Result:
    """What a program left: its exit status and what it wrote."""

    status: int
    stdout: str
    stderr: str

    @property
    def error(self) -> str:
        """The one line that ends a run with status 2."""
        lines = [line for line in self.stderr.splitlines() if "error:" in line]
        assert self.status == 2, f"status {self.status}\n{self.stdout}\n{self.stderr}"
        assert len(lines) == 1, self.stderr
        assert self.stderr.endswith(lines[0] + "\n"), self.stderr
        return lines[0].partition(" error: ")[2]

    @property
    def json_lines(self) -> list[dict[str, Any]]:
        assert self.status == 0, self.stderr
        return [json.loads(line) for line in self.stdout.split("\n") if line.startswith("{")]


def run_program(name: str, *arguments: str, stdin: bytes | str = b"") -> Result:
    """Runs `keras-bert NAME ...` in this process."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    streams = [io.TextIOWrapper(io.BytesIO(data), encoding="utf-8") for data in (given, b"", b"")]
    handler = logging.get_absl_handler()
    formatter, filters = handler.python_handler.formatter, list(handler.filters)
    with (
        imported(name) as program,
        mock.patch.multiple(sys, stdin=streams[0], stdout=streams[1], stderr=streams[2]),
        mock.patch.object(handler.python_handler, "stream", streams[2]),
        mock.patch.object(sys, "argv", [f"keras-bert {name}", *arguments]),
    ):
        logging.set_verbosity(logging.INFO)  # as app.run does it, the first time in a process
        try:
            program.run()
            status = 0
        except SystemExit as error:
            status = int(error.code or 0)
        finally:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
                signal.signal(number, signal.SIG_DFL)
            handler.setFormatter(formatter)
            handler.filters = filters
            for stream in streams[1:]:
                stream.flush()
    stdout, stderr = (stream.buffer.getvalue().decode() for stream in streams[1:])
    return Result(status, stdout, stderr)


@contextlib.contextmanager
def imported(name: str) -> Iterator[types.ModuleType]:
    """Imports a module of `keras_bert.scripts`; its flags go with it at the end."""
    before = set(flags.FLAGS)
    values = flags.FLAGS.flag_values_dict()
    try:
        yield importlib.import_module(f"keras_bert.scripts.{name}")
    finally:
        for flag in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, flag)
        for flag in before:
            flags.FLAGS[flag].value = values[flag]
        # `from keras_bert.scripts import row_flags` looks for an attribute of the package first.
        for module in [module for module in sys.modules if module.startswith("keras_bert.scripts.")]:
            del sys.modules[module]
            vars(keras_bert.scripts).pop(module.rpartition(".")[2], None)


def run_process(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs `python ...` as a process of its own, in the repository."""
    settings = {"capture_output": True, "text": True, "encoding": "utf-8", "cwd": ROOT, "timeout": 300, **options}
    return subprocess.run([sys.executable, *command], check=False, **settings)


class Worker(subprocess.Popen[str]):
    """A process that is read from as it writes: one whose pipe is full waits, and with it its whole cluster."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        super().__init__(command, cwd=ROOT, **pipes, **options)
        self._output: tuple[str, str] = ("", "")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        self._output = self.communicate()

    def end(self, timeout: float = 500) -> subprocess.CompletedProcess[str]:
        """Waits for the process to end; one that takes longer is killed, and returns -9 with what it said."""
        self._reader.join(timeout)
        if self._reader.is_alive():
            self.kill()
            self._reader.join()
        return subprocess.CompletedProcess(self.args, self.returncode, *self._output)


def start_cluster(count: int, *command: str, by_flags: bool = False, last: Sequence[str] = ()) -> list[Worker]:
    """Starts `python ... --strategy=multi_worker` as the workers of a cluster on this machine.

    They learn of each other by `TF_CONFIG`, or by `--workers` and `--worker`. The last of them has further flags.
    """
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{server.getsockname()[1]}" for server in sockets]
    for server in sockets:
        server.close()
    arguments = [sys.executable, *command, "--strategy=multi_worker"]
    processes = []
    for index in range(count):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = os.environ if by_flags else {**os.environ, "TF_CONFIG": json.dumps(config)}
        more = [f"--workers={','.join(addresses)}", f"--worker={index}"] if by_flags else []
        more += last if index == count - 1 else []
        processes.append(Worker([*arguments, *more], env=environment))
    return processes


def run_cluster(count: int, *command: str) -> list[subprocess.CompletedProcess[str]]:
    """Runs `python ... --strategy=multi_worker` as the workers of a cluster on this machine."""
    return [worker.end() for worker in start_cluster(count, *command)]


def fit_without_steps(monkeypatch: Any, *losses: float) -> None:
    """Lets `fit` add 1 to the head's bias in place of training, which takes seconds to trace; callbacks run as ever."""

    def fit(
        self: BertTask,
        batches: tf.data.Dataset,
        *_: Any,
        callbacks: keras.callbacks.CallbackList,
        initial_epoch: int,
        **__: Any,
    ) -> keras.callbacks.History:
        logs = {"loss": losses[min(initial_epoch, len(losses) - 1)]}
        self.stop_training = False
        callbacks.on_train_begin()
        callbacks.on_epoch_begin(initial_epoch)
        self.classifier.bias.assign_add(keras.ops.ones_like(self.classifier.bias))
        self._last_step.values.assign([logs["loss"], float(np.isfinite(logs["loss"]))])
        for step in range(int(batches.cardinality())):
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_end(step, logs)
        callbacks.on_epoch_end(initial_epoch, logs)
        callbacks.on_train_end()
        return self.history

    monkeypatch.setattr(BertTask, "fit", fit)


def rows(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Texts of a few words, of which one decides the label: (text, "good" or "bad"), as many of each."""
    chooser = np.random.default_rng(seed)
    found = []
    for index in range(count):
        label, words = (("good", GOOD), ("bad", BAD))[index % 2]
        subject, word = chooser.choice(SUBJECTS), chooser.choice(words)
        found.append((f"the {subject} was {' '.join(['very'] * chooser.integers(0, 4))} {word} .", label))
    return found


def write_table(path: Path, header: Sequence[str] | None, lines: Sequence[Sequence[str]]) -> Path:
    """Writes a .tsv or .csv, also with .gz."""
    delimiter = "," if ".csv" in path.name else "\t"
    text = "".join(delimiter.join(line) + "\n" for line in ([header, *lines] if header else lines))
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def save_encoder(folder: Path, config: BertConfig = CONFIG, seed: int = 0) -> Path:
    """Writes a tiny encoder with random weights, as pre-training would leave one."""
    from keras_bert.checkpoints.mapping import encoder_weights

    keras.utils.set_random_seed(seed)
    encoder = BertEncoder(config)
    tokenizer = BertTokenizer(VOCABULARY)
    return save_hugging_face(folder, config, encoder_weights(encoder), {"architectures": ["BertModel"]}, tokenizer)


def save_classifier(folder: Path, labels: Sequence[str] = ("bad", "good"), seed: int = 0, **options: Any) -> Path:
    """Writes a tiny classifier whose answers differ from text to text."""
    _task(BertClassifier, seed, labels, **options).save_preset(folder)
    return folder


def save_regressor(folder: Path, seed: int = 0, **options: Any) -> Path:
    """Writes a tiny regressor."""
    _task(BertRegressor, seed, **options).save_preset(folder)
    return folder


def _task(cls: type, seed: int, *arguments: Any, **options: Any) -> Any:
    keras.utils.set_random_seed(seed)
    task = cls(BertEncoder(CONFIG), BertPreprocessor(BertTokenizer(VOCABULARY), 24), *arguments, **options)
    random = np.random.default_rng(seed)
    for variable in task.trainable_variables:
        variable.assign(variable + random.normal(0, 0.2, variable.shape))
    return task
