"""Processes in which TensorFlow is imported and nothing of keras_bert, as serving has them.

Importing TensorFlow takes seconds. One process does it, once for all tests of a pytest process, and is forked for each
script before anything has been computed in it: what a script imports or computes, no other script sees.
"""

import atexit
import base64
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Reads lines of JSON: a script, its arguments, its folder, and the files for what it writes; answers with its status.
FORKER = """
import json, os, sys, traceback
import tensorflow, tensorflow_text

assert len(os.listdir("/proc/self/task")) == 1, "a process with threads cannot be forked"
for line in sys.stdin:
    script, arguments, folder, *logs = json.loads(line)
    child = os.fork()
    if not child:
        status = 1
        try:
            for stream, log in enumerate(logs, 1):
                os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
            os.chdir(folder)
            sys.argv = ["-c", *arguments]
            exec(compile(script, "<script>", "exec"), {"__name__": "__main__"})
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@functools.cache
def _forker() -> subprocess.Popen[str]:
    # OpenBLAS starts its threads when it is imported, one for each core but the first.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    # Away from the checkout, so that keras_bert could be imported only if it were asked for.
    settings = {"cwd": tempfile.gettempdir(), "env": environment, "text": True}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-c", FORKER], **settings, **pipes)
    atexit.register(process.communicate)
    return process


def run_bare(script: str, folder: Path, *arguments: str | Path) -> str:
    """Runs a script in a folder; returns what it printed."""
    logs = [folder / "stdout.log", folder / "stderr.log"]
    process = _forker()
    process.stdin.write(json.dumps([script, [str(value) for value in arguments], *map(str, [folder, *logs])]) + "\n")
    process.stdin.flush()
    status = process.stdout.readline().strip()
    assert status == "0", f"status {status}\n{logs[1].read_text(errors='replace')[-3000:]}"
    return logs[0].read_text(encoding="utf-8")


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
