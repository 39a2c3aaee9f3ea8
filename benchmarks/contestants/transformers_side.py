"""transformers on torch, scaled-dot-product attention; with `tokenizers` for strings.

The dtype is `float32`, `bfloat16` (the weights themselves, for inference alone) or `autocast` (float32 weights,
products in bfloat16).
"""

from typing import Any

import torch
from contest import serve
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification

from contestants import jobs


def prepare(job: dict[str, Any]) -> tuple[Any, Any]:
    """Makes the job ready."""
    dtype = torch.bfloat16 if job["dtype"] == "bfloat16" else torch.float32
    model = AutoModelForSequenceClassification.from_pretrained(job["model"], dtype=dtype).eval()
    cast = torch.autocast("cpu", torch.bfloat16, enabled=job["dtype"] == "autocast")

    def logits(inputs: dict[str, torch.Tensor]) -> Any:
        with torch.inference_mode(), cast:
            return model(**inputs).logits.float().numpy()

    if job["kind"] in ("strings", "latency"):
        tokenizer = Tokenizer.from_file(job["tokenizer"])
        tokenizer.enable_truncation(job["max_length"])
        tokenizer.enable_padding()

        def answer(batch: list[str]) -> Any:
            encoded = tokenizer.encode_batch(batch)
            return logits(
                {
                    "input_ids": torch.tensor([row.ids for row in encoded]),
                    "token_type_ids": torch.tensor([row.type_ids for row in encoded]),
                    "attention_mask": torch.tensor([row.attention_mask for row in encoded]),
                }
            ).argmax(1)

        return jobs.answer_all(job, answer)

    ids = torch.tensor(jobs.ids(job), dtype=torch.long)
    inputs = {"input_ids": ids, "token_type_ids": torch.zeros_like(ids), "attention_mask": torch.ones_like(ids)}
    first = logits(inputs)
    if job["kind"] == "inference":
        return (lambda: logits(inputs)), first
    return training(model, inputs, cast, job), first


def training(model: Any, inputs: dict[str, torch.Tensor], cast: Any, job: dict[str, Any]) -> Any:
    """Returns a function that trains `steps` steps."""
    model.train()
    targets = torch.tensor(jobs.labels(job), dtype=torch.long)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.01, fused=True)

    def run() -> None:
        for _ in range(job["steps"]):
            with cast:
                loss = model(**inputs, labels=targets).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    run()
    return run


if __name__ == "__main__":
    serve(prepare)
