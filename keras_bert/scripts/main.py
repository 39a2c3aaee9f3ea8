"""The `keras-bert` command: finds the program and runs it.

keras-bert finetune --train=train.tsv --dev=dev.tsv --text=sentence --label=label --output=runs/mine
keras-bert finetune --help
"""

import difflib
import importlib
import sys

PROGRAMS = {
    "finetune": "Train a task on your rows, from a pre-trained checkpoint.",
    "tune": "Try settings of finetune, and keep the best model.",
    "evaluate": "Score a fine-tuned model on labelled rows.",
    "predict": "Answer texts from a file or standard input, as JSON lines.",
    "explain": "Say which words of texts speak for a model's answer, and which against it.",
    "index": "Index documents, so that questions find the passages that answer them.",
    "search": "Index texts by their meaning, and find those nearest to a question; search an index of documents.",
    "mine-negatives": "Find passages that look right and are not, to train search on.",
    "ask": "Answer questions out of indexed documents.",
    "audit": "How sure a model is, how it treats groups, what it prefers, where it breaks, which labels are doubtful.",
    "attack": "Look for small changes of texts after which a classifier is wrong.",
    "export": "Write a fine-tuned model as a SavedModel that answers strings.",
    "pretrain": "Pre-train on text: masked words and next sentences, from nothing or from a checkpoint.",
    "status": "Show how far a run of finetune, distill or pretrain is.",
    "vocabulary": "Learn a vocabulary from text, and measure it.",
    "prepare": "Make rows ready for training, in shards that need not fit in memory.",
    "pretraining-data": "Make examples for pre-training of text, as compressed records.",
    "distill": "Train a small model by a large one.",
    "prune": "Take from a model the feed-forward columns, heads and layers that matter least for your rows.",
    "trim-vocabulary": "Take from a model the entries of its vocabulary that your texts do not need.",
    "convert": "Turn a checkpoint of any known format into a Hugging Face folder.",
    "tokenize": "Show the pieces, ids and places of a text.",
    "app": "Show a model in the browser, to try it on texts.",
    "demo": "Fine-tune, export and ask, on embedded data.",
}

# The same programs, in the order in which a reader looks for them.
GROUPS = {
    "train": ("finetune", "tune", "prepare", "status", "distill", "prune", "trim-vocabulary"),
    "use a model": ("predict", "evaluate", "explain", "export", "app"),
    "documents": ("index", "search", "ask", "mine-negatives"),
    "trust": ("audit", "attack"),
    "pre-train": ("vocabulary", "pretraining-data", "pretrain"),
    "look and convert": ("tokenize", "convert", "demo"),
}

GUIDE = """\
BERT for Keras and TensorFlow: strings in, answers out.

usage: keras-bert PROGRAM [--flag=value ...]

start here:
  keras-bert demo
  keras-bert finetune --train=train.csv --dev=dev.csv --text=review --label=stars --output=runs/mine
  echo "a gripping film" | keras-bert predict --model=runs/mine/model

{programs}

`keras-bert PROGRAM --help` shows its flags; --flagfile=FILE reads them from a file."""


def guide() -> str:
    """What the command shows without a program: three commands to start with, and the programs by their purpose."""
    parts = []
    for group, names in GROUPS.items():
        parts += ["", f"{group}:", *(f"  {name:16} {PROGRAMS[name]}" for name in names)]
    return GUIDE.format(programs="\n".join(parts[1:]))


def run() -> None:
    """Runs the program that the first argument names; the rest are its flags."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name == "help" and len(sys.argv) > 2:
        name, sys.argv[1:] = sys.argv[2], [sys.argv[2], "--help"]
    if name in ("-h", "--help", "--helpfull", "help"):
        print(guide())
        sys.exit(0)
    if name == "--version":
        from keras_bert.version import __version__

        print(f"keras-bert {__version__}")
        sys.exit(0)
    if name not in PROGRAMS:
        alike = difflib.get_close_matches(name, PROGRAMS, 1)
        hint = f", did you mean {alike[0]}" if alike else ""
        print(f"keras-bert: no program {name!r}{hint}; there are: {', '.join(PROGRAMS)}", file=sys.stderr)
        sys.exit(2)
    program = importlib.import_module(f"keras_bert.scripts.{name.replace('-', '_')}")
    sys.argv = [f"keras-bert {name}", *sys.argv[2:]]
    program.run()


if __name__ == "__main__":
    run()
