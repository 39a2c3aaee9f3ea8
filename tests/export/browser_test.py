"""The page of export/browser answers in headless Chromium what Python answers; nothing comes from another machine."""

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_bert.runtime import load
from keras_bert.training import adamw
from tests.export.chromium import PROGRAM, browser
from tests.sources import ROOT
from tests.tasks import tiny, tiny_tags

PAGE = ROOT / "export" / "browser"
TEXT = "The  good film was very cold, but the FOOD was so bad"
SECONDS = 120

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium: apt-get install chromium"),
    pytest.mark.skipif(
        not (PAGE / "node_modules").is_dir(), reason="needs `npm ci --ignore-scripts` in export/browser"
    ),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Name → a model in Python, whose export lies under `folder`."""
    folder = tmp_path_factory.mktemp("site")
    tagger = tiny_tags.tagger(config=tiny.without_dropout())
    tagger.compile(optimizer=adamw(peak_learning_rate=1e-2, steps=40))
    tagger.fit(tagger.batches(tiny_tags.rows(), batch_size=8), epochs=40, verbose=0)
    made = {"classify": tiny.classifier(), "tag": tagger}
    for name, task in made.items():
        task.export(folder / "models" / name, format="onnx", dtype="int8")
    return {**made, "folder": folder}


@pytest.fixture(scope="module")
def site(models: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The page on a plain server, and the lines of its log."""
    folder, log = models["folder"], []
    for name in ("index.html", "page.js"):
        shutil.copy(PAGE / name, folder)
    (folder / "node_modules").symlink_to(PAGE / "node_modules")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            log.append(format % arguments)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", log
    server.shutdown()
    thread.join()
    server.server_close()


def status(page: Any) -> str:
    page.wait("document.readyState == 'complete' && !document.getElementById('status').value.startsWith('Loading')")
    return page.evaluate("document.getElementById('status').value")


def test_a_typed_sentence_is_answered_as_in_python(models: dict[str, Any], site: Any, tmp_path: Path):
    address, log = site
    with browser(tmp_path, SECONDS) as page:
        page.open(address)
        assert status(page) == ""
        page.evaluate("document.getElementById('text').focus()")
        page.call("Input.insertText", text=TEXT)
        page.evaluate("document.getElementById('answer').click()")
        found = json.loads(page.wait("document.getElementById('form').dataset.answers"))
        shown = page.evaluate("document.getElementById('entities').innerText")
    # What another CPU adds in another order may round a hidden state to the next byte.
    own = load(models["folder"] / "models" / "classify").answer([TEXT], scores=True)[0]["scores"]
    exact = models["classify"].answer([TEXT], scores=True)[0]
    scores = {entry["label"]: entry["score"] for entry in found["classes"]}
    assert found["classes"][0]["label"] == exact["label"]
    np.testing.assert_allclose([scores[label] for label in own], list(own.values()), atol=2e-3)
    np.testing.assert_allclose([scores[label] for label in own], list(exact["scores"].values()), atol=0.05)
    names = ("label", "text", "start", "end")
    expected = [{name: entity[name] for name in names} for entity in models["tag"].answer([TEXT])[0]]
    assert [{name: entity[name] for name in names} for entity in found["entities"]] == expected
    assert len(expected) > 1
    assert "good film" in shown.replace("GOOD", "")
    assert any("/models/tag/onnx/model_quantized.onnx" in line for line in log)
    assert not [line for line in log if "404" in line or "fused" in line]


def test_a_folder_that_is_not_there_is_said(site: Any, tmp_path: Path):
    address, _ = site
    with browser(tmp_path, SECONDS) as page:
        page.open(f"{address}?classify=nothing&tag=")
        assert "models/nothing" in status(page)
        assert page.evaluate("document.getElementById('answer').disabled")
