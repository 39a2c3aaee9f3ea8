"""Shows how a text is cut: pieces, ids, and where each stands in the text.

    echo "Élan vital" | keras-bert tokenize --preset=minilm
    keras-bert tokenize --vocabulary=vocab.txt --nolowercase --input=lines.txt

Reads a text a line and writes one JSON object a line: `text`, `tokens`, `ids`, and `offsets`, pairs of character
positions such that `text[start:end]` is the piece. A piece of byte-level BPE may be a part of a character;
then the whole character is meant.
"""

import sys
from typing import TYPE_CHECKING

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import checkpoint_flags
from keras_bert.scripts.program import run_program
from keras_bert.scripts.text_lines import read_text_lines

if TYPE_CHECKING:
    from keras_bert.text import TokenLayer

FLAGS = flags.FLAGS

flags.DEFINE_string("preset", "minilm", "A checkpoint whose tokenizer to use.")
flags.DEFINE_string("vocabulary", None, "In place of --preset: a vocab.txt, or a folder of tokenizer files.")
flags.DEFINE_bool("lowercase", None, "Lower-case the text; by default as the preset does, True with a vocab.txt.")
flags.DEFINE_bool("special_tokens_in_text", False, "Take [MASK], [SEP] and the like in the text for what they name.")
flags.DEFINE_string("input", "-", "Texts, one a line: a file, or - for standard input.")

_WINDOW = 256


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], checkpoint_flags)


def main() -> None:
    """Tokenizes as the flags say."""
    from keras_bert.checkpoints import open_checkpoint, open_tokenizer

    if FLAGS.vocabulary:
        tokenizer = open_tokenizer(FLAGS.vocabulary, FLAGS.lowercase, FLAGS.pad_vocabulary)
    else:
        checkpoint = open_checkpoint(FLAGS.preset, lowercase=FLAGS.lowercase, pad_vocabulary=FLAGS.pad_vocabulary)
        if checkpoint.vocabulary is None:
            raise InputError(f"{FLAGS.preset}: no vocabulary there; name one, --vocabulary=vocab.txt")
        tokenizer = checkpoint.tokenizer()
    if FLAGS.special_tokens_in_text:
        tokenizer = type(tokenizer).from_config({**tokenizer.get_config(), "special_tokens_in_text": True})
    for texts in read_text_lines(FLAGS.input, _WINDOW):
        _print(tokenizer, texts)


def _print(tokenizer: "TokenLayer", texts: list[str]) -> None:
    ids, starts, ends = tokenizer.tokenize_with_offsets(texts)
    for text, row, first, last in zip(texts, ids.to_list(), starts.to_list(), ends.to_list(), strict=True):
        # byte → the character that it is of
        characters = [index for index, character in enumerate(text) for _ in character.encode()]
        offsets = [[characters[start], characters[end - 1] + 1] for start, end in zip(first, last, strict=True)]
        tokens = [tokenizer.id_to_token(token) for token in row]
        print(to_json({"text": text, "tokens": tokens, "ids": row, "offsets": offsets}))
    sys.stdout.flush()


if __name__ == "__main__":
    run()
