"""keras_bert.runtime: strings to labels from a folder of LiteRT or ONNX; no TensorFlow is imported."""

import json
from pathlib import Path
from typing import Any

from contest import serve

import keras_bert.runtime
from contestants import jobs


def prepare(job: dict[str, Any]) -> tuple[Any, Any]:
    """Makes the job ready."""
    model = keras_bert.runtime.load(job["model"], threads=job["threads"] or 1)
    config = json.loads((Path(job["model"]) / "config.json").read_text())
    numbers = {label: int(number) for number, label in config["id2label"].items()}
    return jobs.answer_all(job, lambda batch: [numbers[answer["label"]] for answer in model.answer(batch)])


if __name__ == "__main__":
    serve(prepare)
