"""What a Hugging Face Space needs to show a model: a folder to push."""

import shutil
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.files import atomic_folder
from keras_bert.version import __version__

_APP = '''"""The page of a model; a Space runs this file."""

import json
from pathlib import Path

from keras_bert.app import make_page, serve_page
from keras_bert.tasks import open_task

HERE = Path(__file__).parent
settings = json.loads((HERE / "page.json").read_text(encoding="utf-8"))
serve_page(make_page(open_task(HERE / "model"), settings["examples"], settings["title"]), host="0.0.0.0", port=0)
'''


def write_space(
    folder: str | Path,
    model: str | Path,
    examples: Sequence[Mapping[str, Any]] = (),
    title: str | None = None,
    overwrite: bool = False,
) -> None:
    """Writes a Space: `README.md` with its settings, `app.py`, `page.json`, `requirements.txt`, and the model.

    Args:
        folder: Where to write; it appears whole or not at all.
        model: Folder of the model, which is copied.
        examples: As `make_page` takes them.
        title: The heading.
        overwrite: Replace a folder that holds something.

    Raises:
        InputError: The model is no folder, or there is something at `folder`.

    References:
        huggingface.co/docs/hub/spaces-config-reference
    """
    source = Path(model)
    if not source.is_dir():
        raise InputError(f"{model}: a Space holds its model; name a folder")
    heading = title or f"keras_bert: {source.resolve().parent.name}"
    settings = {"title": heading, "sdk": "gradio", "sdk_version": metadata.version("gradio"), "app_file": "app.py"}
    front = "".join(f"{name}: {to_json(value)}\n" for name, value in settings.items())
    with atomic_folder(folder, overwrite) as temporary:
        # Links are followed: a Space has nothing but what is in its folder.
        shutil.copytree(source, temporary / "model")
        text = f"---\n{front}---\n\nA model of keras_bert to try.\n"
        (temporary / "README.md").write_text(text, encoding="utf-8")
        (temporary / "app.py").write_text(_APP, encoding="utf-8")
        (temporary / "requirements.txt").write_text(f"bert-for-keras[app]=={__version__}\n", encoding="utf-8")
        page = {"title": heading, "examples": [dict(example) for example in examples]}
        (temporary / "page.json").write_text(to_json(page, indent=2) + "\n", encoding="utf-8")
