"""Shows how a text is cut: pieces, ids, and where each stands in the text.

    echo "Élan vital" | keras-bert tokenize --preset=minilm
    keras-bert tokenize --vocabulary=vocab.txt --nolowercase --input=lines.txt

Reads a text a line and writes one JSON object a line: `text`, `tokens`, `ids`, and `offsets`, pairs of character
positions such that `text[start:end]` is the piece.
"""

import json
import sys
from pathlib import Path

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts.program import run_program

FLAGS = flags.FLAGS

flags.DEFINE_string("preset", "minilm", "A checkpoint whose tokenizer to use.")
flags.DEFINE_string("vocabulary", None, "In place of --preset: a vocab.txt.")
flags.DEFINE_bool("lowercase", True, "Lower-case the text, with --vocabulary.")
flags.DEFINE_bool("special_tokens_in_text", False, "Take [MASK], [SEP] and the like in the text for what they name.")
flags.DEFINE_string("input", "-", "Texts, one a line: a file, or - for standard input.")

_BATCH = 256


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__])


def main() -> None:
    """Tokenizes as the flags say."""
    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.text import BertTokenizer

    if FLAGS.vocabulary:
        settings = {"vocabulary": FLAGS.vocabulary, "lowercase": FLAGS.lowercase}
    else:
        checkpoint = open_checkpoint(FLAGS.preset)
        if checkpoint.vocabulary is None:
            raise InputError(f"{FLAGS.preset}: no vocabulary there; name one, --vocabulary=vocab.txt")
        settings = {
            "vocabulary": checkpoint.vocabulary,
            "lowercase": checkpoint.lowercase,
            "strip_accents": checkpoint.strip_accents,
        }
    tokenizer = BertTokenizer(**settings, special_tokens_in_text=FLAGS.special_tokens_in_text)
    if FLAGS.input != "-" and not Path(FLAGS.input).is_file():
        raise InputError(f"{FLAGS.input}: no such file")
    with sys.stdin.buffer if FLAGS.input == "-" else Path(FLAGS.input).open("rb") as file:
        number, batch = 0, []
        for number, line in enumerate(file, start=1):
            batch.append(_decoded(line, number))
            if len(batch) == _BATCH or sys.stdin.isatty():
                _print(tokenizer, batch)
                batch = []
        if batch:
            _print(tokenizer, batch)


def _decoded(line: bytes, number: int) -> str:
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{FLAGS.input}, line {number}: not UTF-8 (byte {error.start + 1} of the line)") from None


def _print(tokenizer: object, texts: list[str]) -> None:
    ids, starts, ends = tokenizer.tokenize_with_offsets(texts)  # type: ignore[attr-defined]
    for text, row, first, last in zip(texts, ids.to_list(), starts.to_list(), ends.to_list(), strict=True):
        data = text.encode()
        places = [
            [len(data[:start].decode()), len(data[:end].decode())] for start, end in zip(first, last, strict=True)
        ]
        tokens = [tokenizer.id_to_token(token) for token in row]  # type: ignore[attr-defined]
        print(json.dumps({"text": text, "tokens": tokens, "ids": row, "offsets": places}, ensure_ascii=False))
    sys.stdout.flush()


if __name__ == "__main__":
    run()
