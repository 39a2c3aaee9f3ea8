"""Processes in which TensorFlow is imported and nothing of keras_bert, as serving has them.

Importing TensorFlow takes seconds. One process does it, once for all tests of a pytest process, and is forked for each
script before anything has been computed in it: what a script imports or computes, no other script sees. Only Python's
hash seed is the same in all.
"""

import atexit
import base64
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

# Reads lines of JSON: a script, its arguments, its folder, what to set in its environment and to put before its path,
# and the files for what it writes; answers with its status.
FORKER = """
import json, os, sys, traceback
import tensorflow, tensorflow_text

assert len(os.listdir("/proc/self/task")) == 1, "a process with threads cannot be forked"
for line in sys.stdin:
    script, arguments, folder, environment, path, *logs = json.loads(line)
    child = os.fork()
    if not child:
        status = 1
        try:
            for stream, log in enumerate(logs, 1):
                os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
            os.chdir(folder)
            os.environ.update(environment)
            sys.path[:0] = path
            sys.argv = ["-c", *arguments]
            exec(compile(script, "<script>", "exec"), {"__name__": "__main__"})
            status = 0
        except SystemExit as exit:
            status = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
            if isinstance(exit.code, str):
                print(exit.code, file=sys.stderr)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

# OpenBLAS starts its threads when it is imported, one for each core but the first; Arrow, which Keras imports with
# pandas, one that gives memory back.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""The environment of a process that can be forked once TensorFlow is imported."""


@functools.cache
def _forker() -> subprocess.Popen[str]:
    environment = {**os.environ, **ONE_THREAD}
    # Away from the checkout, so that keras_bert could be imported only if it were asked for.
    settings = {"cwd": tempfile.gettempdir(), "env": environment, "text": True}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-c", FORKER], **settings, **pipes)
    atexit.register(process.communicate)
    return process


def run_forked(
    script: str,
    *arguments: str | Path,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    path: Sequence[Path] = (ROOT,),
) -> subprocess.CompletedProcess[str]:
    """Runs a script as `python -c` would, where TensorFlow is imported.

    Args:
        script: The source.
        *arguments: What it finds in `sys.argv[1:]`.
        folder: Its working directory.
        environment: Variables to set before it begins; those that TensorFlow reads on import come too late.
        path: Folders that it imports from first.
    """
    with tempfile.TemporaryDirectory() as place:
        logs = [Path(place, name) for name in ("stdout", "stderr")]
        texts = [[str(value) for value in values] for values in (arguments, path, logs)]
        request = [script, texts[0], str(folder), dict(environment or {}), texts[1], *texts[2]]
        process = _forker()
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        status = int(process.stdout.readline())
        written = [log.read_text(encoding="utf-8", errors="replace") for log in logs]
    return subprocess.CompletedProcess(["python", "-c", script, *texts[0]], status, *written)


def run_bare(script: str, folder: Path, *arguments: str | Path) -> str:
    """Runs a script in a folder, away from the checkout; returns what it printed."""
    done = run_forked(script, *arguments, folder=folder, path=())
    assert done.returncode == 0, f"status {done.returncode}\n{done.stderr[-3000:]}"
    return done.stdout


def run_python(script: str, *arguments: object) -> str:
    """Runs a script in the checkout; returns the last line that it prints."""
    done = run_forked(script, *map(str, arguments))
    assert done.returncode == 0, f"status {done.returncode}\n{done.stderr[-3000:]}"
    return done.stdout.splitlines()[-1]


# Asks each folder, writes the outputs and the signatures.
ASK = """
import base64, json, sys
import tensorflow as tf
import tensorflow_text
results = {}
decoded = lambda value: [decoded(each) for each in value] if isinstance(value, list) else base64.b64decode(value)
for folder, fields in json.load(open(sys.argv[1])).items():
    loaded = tf.saved_model.load(folder)
    describe = lambda specs: {name: [spec.dtype.name, spec.shape.as_list()] for name, spec in specs.items()}
    result = results[folder] = {"signatures": {
        name: [describe(function.structured_input_signature[1]), describe(function.structured_outputs)]
        for name, function in loaded.signatures.items()
    }}
    inputs = {name: tf.constant(decoded(texts)) for name, texts in fields.items()}
    outputs = loaded.signatures["serving_default"](**inputs)
    result["outputs"] = {
        name: [value.decode() for value in tensor.numpy().ravel()] if tensor.dtype == tf.string
        else tensor.numpy().tolist()
        for name, tensor in outputs.items()
    }
ours = [name for name in sys.modules if name.split(".")[0] in ("keras_bert", "keras_hub")]
assert not ours, ours
json.dump(results, open(sys.argv[1], "w"))
"""


def ask_in_a_bare_process(asked: dict[Path, dict[str, Sequence[Any]]], file: Path) -> dict[str, Any]:
    """Asks exports where nothing but TensorFlow is imported.

    Args:
        asked: Folder of an export → name of a field → its strings, in UTF-8; or lists of them.
        file: Gets the questions, and then the results.

    Returns:
        Folder → `outputs` of `serving_default` by name, and `signatures`: dtypes and shapes of inputs and outputs.
    """

    def encode(value: Any) -> Any:
        return base64.b64encode(value).decode() if isinstance(value, bytes) else [encode(each) for each in value]

    encoded = {str(folder): {name: encode(texts) for name, texts in fields.items()} for folder, fields in asked.items()}
    file.write_text(json.dumps(encoded), encoding="utf-8")
    run_bare(ASK, file.parent, file)
    return json.loads(file.read_text(encoding="utf-8"))
