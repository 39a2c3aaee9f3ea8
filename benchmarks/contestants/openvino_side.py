"""OpenVINO with what torch exports of the transformers model: bfloat16, or int8 by NNCF; `tokenizers` for strings."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from contest import serve
from tokenizers import Tokenizer

from contestants import jobs
from contestants.torch_onnx import NAMES, export

CALIBRATION = 128  # texts, of --calibration


def prepare(job: dict[str, Any]) -> tuple[Any, Any]:
    """Makes the job ready."""
    core = openvino.Core()
    tokenizer = Tokenizer.from_file(job["tokenizer"])
    tokenizer.enable_truncation(job["max_length"])
    tokenizer.enable_padding()

    def inputs(batch: list[str]) -> dict[str, np.ndarray]:
        encoded = tokenizer.encode_batch(batch)
        values = ([row.ids, row.attention_mask, row.type_ids] for row in encoded)
        return {name: np.array(value) for name, value in zip(NAMES, zip(*values, strict=True), strict=True)}

    with tempfile.TemporaryDirectory() as folder:
        model = core.read_model(export(job["model"], Path(folder)))
    if job["dtype"] == "int8":
        import nncf

        lines = Path(job["calibration"]).read_text(encoding="utf-8").splitlines()[:CALIBRATION]
        data = nncf.Dataset([inputs([line]) for line in lines])
        model = nncf.quantize(model, data, model_type=nncf.ModelType.TRANSFORMER, subset_size=CALIBRATION)
    settings = {"INFERENCE_NUM_THREADS": job["threads"] or 1, "INFERENCE_PRECISION_HINT": "bf16"}
    if job["dtype"] == "int8":
        del settings["INFERENCE_PRECISION_HINT"]
    compiled = core.compile_model(model, "CPU", settings)
    return jobs.answer_all(job, lambda batch: compiled(inputs(batch))[0].argmax(1))


if __name__ == "__main__":
    serve(prepare)
