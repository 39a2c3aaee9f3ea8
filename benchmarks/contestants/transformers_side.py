"""transformers on torch, scaled-dot-product attention; with `tokenizers` for strings.

The dtype is `float32`, `bfloat16` (the weights themselves, for inference alone) or `autocast` (float32 weights,
products in bfloat16).
"""

from collections.abc import Callable
from typing import Any

import torch
from contest import serve
from tokenizers import Tokenizer
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertLMHeadModel, DataCollatorWithPadding

from contestants import jobs


def prepare(job: dict[str, Any]) -> tuple[Any, Any]:
    """Makes the job ready."""
    dtype = torch.bfloat16 if job["dtype"] == "bfloat16" else torch.float32
    if job["kind"] == "generation":
        return generation(job, dtype)
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
            if job["threads"]:
                torch.set_num_threads(job["threads"])  # here, since it holds for the calling thread
            encoded = tokenizer.encode_batch(batch)
            return logits(
                {
                    "input_ids": torch.tensor([row.ids for row in encoded]),
                    "token_type_ids": torch.tensor([row.type_ids for row in encoded]),
                    "attention_mask": torch.tensor([row.attention_mask for row in encoded]),
                }
            ).argmax(1)

        return jobs.answer_all(job, answer)

    if job["kind"] == "epoch":
        return epoch(model, logits, cast, job)

    ids = torch.tensor(jobs.ids(job), dtype=torch.long)
    inputs = {"input_ids": ids, "token_type_ids": torch.zeros_like(ids), "attention_mask": torch.ones_like(ids)}
    first = logits(inputs)
    if job["kind"] == "inference":
        return jobs.repeated(job, lambda: logits(inputs)), first
    return training(model, inputs, cast, job), first


def generation(job: dict[str, Any], dtype: torch.dtype) -> tuple[Any, Any]:
    """Ids to the ids of the best text, by `generate`."""
    if job["threads"]:
        torch.set_num_threads(job["threads"])
    model = BertLMHeadModel.from_pretrained(job["model"], dtype=dtype).eval()
    rows, _ = jobs.sources(job)
    ids = torch.tensor(rows, dtype=torch.long)
    vocabulary = AutoTokenizer.from_pretrained(job["model"]).get_vocab()
    settings = {
        "num_beams": job["beams"],
        "max_new_tokens": job["new_tokens"],
        "min_new_tokens": job["new_tokens"] - 1,
        "bad_words_ids": [[vocabulary[mark]] for mark in ("[PAD]", "[UNK]", "[CLS]", "[MASK]")],
        "num_return_sequences": 1,
        "do_sample": False,
    }

    def run() -> Any:
        with torch.inference_mode():
            return model.generate(ids, attention_mask=torch.ones_like(ids), **settings)[:, ids.shape[1] :].numpy()

    return run, run()


def training(model: Any, inputs: dict[str, torch.Tensor], cast: Any, job: dict[str, Any]) -> Any:
    """Returns a function that trains `steps` steps."""
    targets = torch.tensor(jobs.labels(job), dtype=torch.long)
    step = trainer(model, cast)

    def run() -> None:
        for _ in range(job["steps"]):
            step({**inputs, "labels": targets})

    run()
    return run


def trainer(model: Any, cast: Any) -> Callable[[dict[str, torch.Tensor]], None]:
    """Returns a function that trains a step."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.01, fused=True)

    def step(batch: dict[str, torch.Tensor]) -> None:
        with cast:
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def epoch(model: Any, logits: Any, cast: Any, job: dict[str, Any]) -> tuple[Any, Any]:
    """Rows to updated weights: cut in one go, in random order, padded to the longest of each batch."""
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    texts, labels = jobs.labelled(job)
    collate = DataCollatorWithPadding(tokenizer)
    first = logits(dict(tokenizer(texts[: jobs.COMPARED], padding=True, return_tensors="pt")))
    step = trainer(model, cast)

    def run() -> None:
        encoded = tokenizer(texts)
        rows = [
            {"labels": label, **{name: values[index] for name, values in encoded.items()}}
            for index, label in enumerate(labels)
        ]
        for batch in DataLoader(rows, job["batch"], shuffle=True, collate_fn=collate):
            step(batch)

    return run, first


if __name__ == "__main__":
    serve(prepare)
