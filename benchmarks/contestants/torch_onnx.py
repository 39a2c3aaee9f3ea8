"""What torch exports of a transformers model, written by a process of its own, whose memory is not the contestant's."""

import subprocess
import sys
from pathlib import Path

NAMES = ("input_ids", "attention_mask", "token_type_ids")


def export(model: str, folder: Path) -> Path:
    """Writes the model as `model.onnx`, with axes of any length."""
    path = folder / "model.onnx"
    subprocess.run([sys.executable, __file__, model, str(path)], check=True)
    return path


def main() -> None:
    """Exports the folder of the first argument to the file of the second."""
    import torch
    from transformers import AutoModelForSequenceClassification

    model, path = sys.argv[1:]
    network = AutoModelForSequenceClassification.from_pretrained(model).eval()
    example = tuple(torch.ones(2, 8, dtype=torch.long) for _ in NAMES)
    axes = {name: {0: "batch", 1: "tokens"} for name in NAMES}
    torch.onnx.export(
        network, example, path, input_names=list(NAMES), output_names=["logits"], dynamic_axes=axes, dynamo=False
    )


if __name__ == "__main__":
    main()
