"""Takes from a model the entries of its vocabulary that texts like yours do not need.

    keras-bert trim-vocabulary --preset=runs/sst2/model --rows=sst2/train.tsv --text=sentence --output=runs/sst2-small
    keras-bert trim-vocabulary --preset=hf://google-bert/bert-base-multilingual-cased --rows=corpus.txt --output=bert-en

What came in the rows stays, and so do special tokens, characters and short pieces, of which words are spelled that did
not come. The heads stay as they are. Of every tenth row, which nothing is chosen by, it says how many pieces change.
"""

import itertools
import sys
from collections.abc import Iterable, Iterator

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import checkpoint_flags, row_flags
from keras_bert.scripts.program import run_program
from keras_bert.scripts.text_lines import read_text_lines

FLAGS = flags.FLAGS

flags.DEFINE_string("preset", None, "The model: a folder, hf://org/name, kaggle://..., or minilm.")
flags.DEFINE_string("rows", None, "Texts: a table with columns --text and --text_pair, or a .txt file of lines.")
flags.DEFINE_string("output", None, "The folder to write.")
flags.DEFINE_bool("overwrite", False, "Replace what is at --output.")
flags.DEFINE_integer("min_count", 1, "How often an entry must come to be kept.", lower_bound=1)
flags.DEFINE_integer("short", 2, "Characters of the short pieces that are kept whether they come or not.", 0)
flags.DEFINE_string("keep_words", None, "A file of words, a line each, whose pieces are kept, too.")
flags.DEFINE_integer("held_out", 10, "Every so many rows one is left out to measure on; 0: none.", lower_bound=0)
flags.register_validator("preset", bool, message="name the model, --preset=FOLDER")
flags.register_validator("rows", bool, message="name the texts, --rows=FILE")
flags.register_validator("output", bool, message="name the folder to write, --output=FOLDER")

_BATCH = 4096


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], checkpoint_flags, row_flags)


def main() -> None:
    """Trims as the flags say."""
    from keras_bert.checkpoints import open_checkpoint, resolve
    from keras_bert.checkpoints.convert import check_apart
    from keras_bert.checkpoints.save import save_checkpoint
    from keras_bert.compression import VocabularyUsage, changed_share, trim_vocabulary

    if FLAGS.held_out == 1:
        raise InputError("--held_out=1 leaves every row out; name 0 for none, or 2 and more for every Nth row")
    target = check_apart(FLAGS.output, resolve(FLAGS.preset), FLAGS.overwrite)
    checkpoint = open_checkpoint(FLAGS.preset, pad_vocabulary=FLAGS.pad_vocabulary)
    before = checkpoint.tokenizer()
    usage = VocabularyUsage(before)
    texts = 0
    for batch in _batches(held_out=False):
        usage.add(batch)
        texts += len(batch)
    words = list(itertools.chain.from_iterable(read_text_lines(FLAGS.keep_words, _BATCH))) if FLAGS.keep_words else []
    trimmed = trim_vocabulary(checkpoint, usage.kept(FLAGS.min_count, FLAGS.short, words))
    save_checkpoint(target, trimmed, FLAGS.overwrite)
    entries = (before.vocabulary_size, len(trimmed.vocabulary or ()))
    print(f"{FLAGS.output}: {entries[1]:,} of {entries[0]:,} entries, chosen by {texts:,} texts")
    sizes = [sum(tensor.nbytes for tensor in each.tensors.values()) / 1e6 for each in (checkpoint, trimmed)]
    if sizes[0]:
        print(f"  weights: {sizes[0]:,.1f} MB before, {sizes[1]:,.1f} MB now, {1 - sizes[1] / sizes[0]:.0%} less")
    if FLAGS.held_out:
        share = changed_share(before, trimmed.tokenizer(), _batches(held_out=True))
        print(f"  held-out texts: {share:.2%} of their pieces are others now")


def _batches(held_out: bool) -> Iterator[list[str]]:
    """Yields the texts to measure on, or those to choose by."""
    every = FLAGS.held_out
    kept = (text for number, text in enumerate(_texts(), 1) if (bool(every) and number % every == 0) == held_out)
    while batch := list(itertools.islice(kept, _BATCH)):
        yield batch


def _texts() -> Iterable[str]:
    if FLAGS.rows.endswith((".txt", ".txt.gz")):
        return itertools.chain.from_iterable(read_text_lines(FLAGS.rows, _BATCH, **row_flags.line_options()))
    rows = row_flags.read_rows(FLAGS.rows, label=False).as_numpy_iterator()
    return (text.decode() for row in rows for text in row.values())


if __name__ == "__main__":
    run()
