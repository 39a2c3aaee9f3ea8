"""How much memory does BERT-large take at 512 tokens, forward and in a training step, and does it fit in 24 GB?

    python benchmarks/memory.py [--model=large] [--batch=2] [--tokens=512] [--dtype=float32] [--cases="forward;step"]

Each case is a fresh process, which says its peak resident memory (`getrusage`) when it is done: TensorFlow alone; the
forward pass of a classifier with random weights; one step of `fit` (dropout, backward pass, clipping, AdamW) as it is,
with gradient checkpointing, with the batch in as many parts as it has rows, and with both. Beside it stands what the
formulas of `keras_bert.training.scaling` say: weights for the forward pass, else weights, gradients, Adam's state and
the activations of one part. Prints a Markdown table.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

# case → gradient checkpointing, whether the batch is computed row by row
CASES = {
    "nothing": (False, False),
    "forward": (False, False),
    "step": (False, False),
    "step, checkpointing": (True, False),
    "step, accumulate": (False, True),
    "step, both": (True, True),
}
LIMIT = 24e9

# model → hidden size, blocks, attention heads
MODELS = {"large": (1024, 24, 16), "base": (768, 12, 12), "minilm": (384, 6, 12)}


def run(case: str, model_name: str, batch: int, tokens: int, dtype: str) -> dict[str, float]:
    """Runs a case in this process; returns its peak in bytes, the formula's bytes, and the processor time."""
    import keras
    import tensorflow as tf

    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.config import BertConfig
    from keras_bert.encoder import BertEncoder
    from keras_bert.tasks import BertClassifier
    from keras_bert.text import BertPreprocessor
    from keras_bert.training import adamw
    from keras_bert.training.scaling import activation_bytes, parameter_count, state_bytes

    checkpointing, by_row = CASES[case]
    size, blocks, heads = MODELS[model_name]
    config = BertConfig(
        hidden_size=size,
        num_hidden_layers=blocks,
        num_attention_heads=heads,
        intermediate_size=4 * size,
        max_position_embeddings=max(512, tokens),
    )
    expected, seconds = 0.0, 0.0
    if case != "nothing":
        keras.utils.set_random_seed(0)
        encoder = BertEncoder(config, gradient_checkpointing=checkpointing, dtype=dtype)
        preprocessor = BertPreprocessor(open_checkpoint("minilm").tokenizer(), max_length=tokens)
        model = BertClassifier(encoder, preprocessor, labels=["0", "1"])
        ids = tf.ones((batch, tokens), tf.int32)
        inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": ids}
        begin = time.process_time()
        if case == "forward":
            tf.function(lambda inputs: model(inputs, training=False))(inputs)
            expected = 4 * parameter_count(config)
        else:
            model.compile(adamw(1e-4, steps=10), accumulate=batch if by_row else 1)
            model.fit(tf.data.Dataset.from_tensors((inputs, tf.zeros((batch,), tf.int32))), verbose=0)
            width = 4 if dtype == "float32" else 2
            rows = 1 if by_row else batch
            kept = rows * tokens * config.num_hidden_layers * config.hidden_size * width  # the inputs of the blocks
            one = activation_bytes(config, rows, tokens, width)
            expected = state_bytes(config) + (kept + one / config.num_hidden_layers if checkpointing else one)
        seconds = time.process_time() - begin
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak": peak, "expected": expected, "seconds": seconds}


def main() -> None:
    """Runs every case in a process of its own and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="large", choices=list(MODELS))
    parser.add_argument("--batch", type=int, default=2, help="rows")
    parser.add_argument("--tokens", type=int, default=512, help="tokens of a row")
    parser.add_argument("--dtype", default="float32", choices=["float32", "mixed_bfloat16"])
    parser.add_argument("--cases", default=";".join(CASES), help="which, separated by semicolons")
    parser.add_argument("--case", help="run this one here, and print JSON")
    arguments = parser.parse_args()
    options = (arguments.model, arguments.batch, arguments.tokens, arguments.dtype)
    if arguments.case:
        print(json.dumps(run(arguments.case, *options)))
        return
    print(f"{arguments.model}, {arguments.batch} × {arguments.tokens} tokens, {arguments.dtype}\n")
    print("| | peak, GB | by formula, GB | fits in 24 GB | processor seconds with tracing |")
    print("|---|---|---|---|---|")
    for case in arguments.cases.split(";"):
        command = [sys.executable, __file__, "--case", case]
        names = ("--model", "--batch", "--tokens", "--dtype")
        command += [part for pair in zip(names, map(str, options), strict=True) for part in pair]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        fits = "yes" if found["peak"] <= LIMIT else "no"
        print(
            f"| {case} | {found['peak'] / 1e9:.2f} | {found['expected'] / 1e9:.2f} | {fits} | {found['seconds']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
