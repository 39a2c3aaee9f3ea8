"""The folder of an export: what it says of itself, checked."""

from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.foreign_files import inside, read_json

ANSWERING_FILE = "answering.json"
_VERSION = 1
_SHARED = {"format": str, "file": str, "kind": str, "max_length": int, "tokenizer": dict, "inputs": list}
_OF_KIND: dict[str, dict[str, type]] = {
    "classify": {"labels": list, "problem_type": str, "threshold": float, "text_fields": list, "truncation": str},
    "regress": {"text_fields": list, "truncation": str},
    "choose": {"question": bool, "truncation": str},
    "embed": {"prompts": dict, "include_prompt": bool, "size": int},
    "tag": {"labels": list, "allowed": list, "types": list, "begins": list, "inner": list, "stride": int},
    "answer": {"doc_stride": int, "max_question_length": int, "max_answer_length": int},
}


def read_folder(folder: str | Path) -> dict[str, Any]:
    """Reads `answering.json`.

    Args:
        folder: What `model.export(folder, format="litert")` or `"onnx"` wrote.

    Returns:
        Its fields; `file` is the path of the graph, which is there.

    Raises:
        InputError: There is no such folder, it is of something else, or a file is missing or damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; model.export(folder, format='litert') writes one")
    path = folder / ANSWERING_FILE
    fields = read_json(path)
    if fields is None:
        found = "a SavedModel, which needs TensorFlow" if (folder / "saved_model.pb").exists() else f"no {path.name}"
        raise InputError(f"{folder}: {found}; keras_bert.runtime opens what format='litert' or 'onnx' wrote")
    if fields.get("version") != _VERSION:
        raise InputError(
            f"{path}: version {fields.get('version')!r:.20}, this keras_bert reads {_VERSION}: export again, or upgrade"
        )
    kind = fields.get("kind")
    if not isinstance(kind, str) or kind not in _OF_KIND:
        raise InputError(f"{path}: kind is {kind!r:.40}, expected one of {', '.join(_OF_KIND)}")
    for name, type_ in (_SHARED | _OF_KIND[kind]).items():
        value = fields.get(name)
        if not isinstance(value, type_) or (type_ is not bool and isinstance(value, bool)):
            raise InputError(f"{path}: {name} is {value!r:.40}, expected {type_.__name__}")
    file = inside(folder, fields["file"], path)
    for needed in (file, folder / "tokenizer.json"):
        if not needed.is_file():
            raise InputError(f"{needed}: no such file; the export is not whole")
    return {**fields, "file": file}
