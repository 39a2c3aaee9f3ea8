"""Folders of sentence-transformers, one for each setting, and what that library makes of texts there.

`sentence_transformers.json` beside this file holds its vectors (version 6.2.0, transformers 5.24, torch 2.13, CPU);
they are made anew with

    python -m tests.tasks.embedding.sentence_transformers_cases FOLDER   # writes the folders, here
    python tests/tasks/embedding/sentence_transformers_cases.py FOLDER   # in an environment that has the library
"""

import json
import sys
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).with_name("sentence_transformers.json")
SHOWN = 6
"""Numbers of each vector that are kept: the first ones and the last ones."""

TEXTS = ["good film", "The FILM was bad and the food", "a book"]
ALL = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
PROMPTS = {"query": "the film is: ", "passage": "book "}
DENSE = {"kind": "Dense", "units": 20}
CHAIN = [
    {"kind": "Normalize"},
    {"kind": "Dense", "units": 12, "activation": "gelu", "use_bias": False, "use_residual": True},
    {"kind": "LayerNorm"},
    {"kind": "Dropout", "rate": 0.4},
    {"kind": "Dense", "units": 12, "activation": "identity", "use_residual": True},
]

CASES: dict[str, dict[str, Any]] = {
    **{mode: {"pooling": mode, "normalize": False} for mode in ALL},
    "joined": {"pooling": ["max", "mean", "lasttoken"]},
    "joined in another order": {"pooling": ["lasttoken", "cls"], "normalize": False},
    "dense, as LaBSE": {"pooling": "cls", "modules": [DENSE]},
    "chain": {"pooling": ["cls", "mean"], "modules": CHAIN, "normalize": False},
    "default prompt": {"prompts": PROMPTS, "default_prompt": "query"},
    "chosen prompt": {"prompts": PROMPTS},
    "prompt not pooled": {"prompts": PROMPTS, "include_prompt": False, "pooling": ALL, "normalize": False},
    "truncated": {"truncate_dim": 7},
    "everything": {
        "prompts": PROMPTS,
        "default_prompt": "passage",
        "include_prompt": False,
        "pooling": ["mean", "cls"],
        "modules": [DENSE],
        "truncate_dim": 9,
        "similarity": "dot",
    },
}
ASKED_WITH = {"chosen prompt": "passage", "prompt not pooled": "query"}
"""Cases with a prompt that is chosen when they are asked."""

LOWERED, INSIDE = "lower-cased before a cased vocabulary", "all in 0_Transformer"
ACCENTED = ["GOOD Film", "Bäd film", "BÄD FILM"]


def write_case(name: str, folder: Path) -> None:
    """Writes the folder of a case, with the weights of `tiny`."""
    from tests.tasks import tiny

    tiny.embedder(config=tiny.config(num_hidden_layers=1), **CASES[name]).save_preset(folder)


def write_changed(folder: Path) -> None:
    """Writes the two folders that keras_bert would not write."""
    from keras_bert.text.preprocessor import BertPreprocessor
    from keras_bert.text.word_piece.tokenizer import BertTokenizer
    from tests.tasks import tiny

    cased = [*tiny.VOCABULARY[:-1], "bäd"]
    tokenizer = BertTokenizer(cased, lowercase=False)
    tiny.embedder(preprocessor=BertPreprocessor(tokenizer, max_length=24)).save_preset(folder / LOWERED)
    change(folder / LOWERED / "sentence_bert_config.json", do_lower_case=True)

    tiny.embedder().save_preset(folder / INSIDE)
    inner = folder / INSIDE / "0_Transformer"
    inner.mkdir()
    names = ("config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json", "sentence_bert_config.json")
    for name in names:
        (folder / INSIDE / name).rename(inner / name)
    (folder / INSIDE / "keras_bert.json").unlink()
    change(inner / "sentence_bert_config.json", max_seq_length=5)
    modules = json.loads((folder / INSIDE / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (folder / INSIDE / "modules.json").write_text(json.dumps(modules))


def change(path: Path, **fields: Any) -> None:
    """Changes fields of a JSON file; those that are None are taken out."""
    found = {**json.loads(path.read_text(encoding="utf-8")), **fields}
    path.write_text(json.dumps({name: value for name, value in found.items() if value is not None}), encoding="utf-8")


def encode(folder: Path) -> dict[str, list[list[float]]]:
    """Asks sentence-transformers: the first and the last numbers of each vector."""
    from sentence_transformers import SentenceTransformer

    found = {}
    for name in [*CASES, LOWERED, INSIDE]:
        model = SentenceTransformer(str(folder / name), device="cpu")
        texts = ACCENTED if name == LOWERED else TEXTS
        vectors = model.encode(texts, prompt_name=ASKED_WITH.get(name))
        found[name] = [[round(float(x), 6) for x in (*row[:SHOWN], *row[-SHOWN:])] for row in vectors]
    return found


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if __package__:
        for case in CASES:
            write_case(case, target / case)
        write_changed(target)
    else:
        rows = [f"{json.dumps(name)}: {json.dumps(vectors)}" for name, vectors in encode(target).items()]
        REFERENCE.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
