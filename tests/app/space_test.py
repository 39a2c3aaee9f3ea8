"""The folder of a Space is whole, and its `app.py` serves the model from anywhere."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from keras_bert.app.space import write_space
from keras_bert.errors import InputError
from keras_bert.version import __version__
from tests.app.models import AWKWARD, every_model
from tests.scripts.programs import ROOT

gradio = pytest.importorskip("gradio", reason="needs gradio: pip install 'bert-for-keras[app]'")


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("space")
    every_model()["classifier"].save_preset(folder / "run" / "model")
    write_space(folder / "space", folder / "run" / "model", [{"text": AWKWARD}], 'of "mine"')
    return folder / "space"


def test_what_is_in_it(space: Path):
    front = (space / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    settings = {"title": 'of "mine"', "sdk": "gradio", "sdk_version": gradio.__version__, "app_file": "app.py"}
    assert yaml.safe_load(front) == settings
    assert (space / "requirements.txt").read_text() == f"bert-for-keras[app]=={__version__}\n"
    page = json.loads((space / "page.json").read_text(encoding="utf-8"))
    assert page == {"title": 'of "mine"', "examples": [{"text": AWKWARD}]}
    assert (space / "model" / "config.json").is_file()
    assert not any(path.is_symlink() for path in space.rglob("*"))


def test_what_is_there_is_kept_and_a_model_must_be_a_folder(space: Path, tmp_path: Path):
    with pytest.raises(InputError, match="space"):
        write_space(space, space / "model")
    write_space(shutil.copytree(space, tmp_path / "copy"), space / "model", overwrite=True)
    assert json.loads((tmp_path / "copy" / "page.json").read_text())["examples"] == []
    with pytest.raises(InputError, match="minilm: a Space holds its model; name a folder"):
        write_space(tmp_path / "new", "minilm")
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_its_program_serves_the_page(space: Path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GRADIO_SERVER_PORT": str(port)}
    with subprocess.Popen([sys.executable, space / "app.py"], cwd="/", env=environment) as process:
        try:
            end = time.monotonic() + 120
            while True:
                assert process.poll() is None
                assert time.monotonic() < end
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/config", timeout=10) as answer:
                        config = json.load(answer)
                    break
                except OSError:
                    time.sleep(0.2)
        finally:
            process.kill()
    assert config["title"] == 'of "mine"'
    assert AWKWARD in json.dumps(config, ensure_ascii=False)  # the example
