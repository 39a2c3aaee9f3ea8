"""ONNX Runtime with what torch exports of the transformers model, float32 or int8; `tokenizers` for strings."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from contest import serve
from tokenizers import Tokenizer

from contestants import jobs
from contestants.torch_onnx import NAMES, export


def prepare(job: dict[str, Any]) -> tuple[Any, Any]:
    """Makes the job ready."""
    with tempfile.TemporaryDirectory() as folder:
        path = export(job["model"], Path(folder))
        if job["dtype"] == "int8":
            from onnxruntime.quantization import quantize_dynamic

            quantize_dynamic(path, Path(folder) / "int8.onnx")
            path = Path(folder) / "int8.onnx"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = job.get("threads", 0)
        session = onnxruntime.InferenceSession(path, options)

    if job["kind"] in ("strings", "latency"):
        tokenizer = Tokenizer.from_file(job["tokenizer"])
        tokenizer.enable_truncation(job["max_length"])
        tokenizer.enable_padding()

        def answer(batch: list[str]) -> Any:
            encoded = tokenizer.encode_batch(batch)
            inputs = {
                "input_ids": np.array([row.ids for row in encoded]),
                "attention_mask": np.array([row.attention_mask for row in encoded]),
                "token_type_ids": np.array([row.type_ids for row in encoded]),
            }
            return session.run(None, inputs)[0].argmax(1)

        return jobs.answer_all(job, answer)

    ids = jobs.ids(job).astype("int64")
    inputs = dict(zip(NAMES, (ids, np.ones_like(ids), np.zeros_like(ids)), strict=True))
    run = lambda: session.run(None, inputs)[0]  # noqa: E731
    return jobs.repeated(job, run), run()


if __name__ == "__main__":
    serve(prepare)
