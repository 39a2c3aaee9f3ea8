"""The house as built is the house as drawn: rooms, what each may import, the size of each file, its tests.

Nothing is imported here: the sources are read and parsed. docs/decisions.md says why the rules are so.
"""

import ast
import graphlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from keras_bert import registration
from tests.sources import EVERY_FILE, MODULES, PACKAGE, ROOT, inside, of_each, parse, room_of

# Which rooms each room may import from: only rooms below it.
GROUND = {"arguments", "errors", "escaping", "files", "foreign_files", "graph", "kinds", "preset_hook", "version"}
GROUND |= {"explain_hook"}
NUMBERS = {*GROUND, "config", "layers", "encoder"}
BELOW = {
    "errors": set(),
    "graph": set(),
    "version": set(),
    "files": {"errors"},
    "arguments": {"errors"},
    "registration": set(),
    "escaping": {"errors"},
    "foreign_files": {"errors"},
    "kinds": {"errors"},
    "preset_hook": set(),  # what it opens, the room of checkpoints puts there
    "explain_hook": set(),  # it finds the room of trust by its name
    "config": GROUND,
    "text": {*GROUND, "config"},
    "decoding": set(),  # of numbers: neither BERT nor a task
    "layers": GROUND,  # plain values, never the config object
    "encoder": {*GROUND, "config", "layers"},
    "checkpoints": {*NUMBERS, "text"},
    "data": {*GROUND, "config", "text"},
    "training": {*NUMBERS, "evaluation"},  # of the network, not of a task; a run draws its curves
    "evaluation": GROUND,
    "serving": {*GROUND, "config"},  # of functions, not of tasks: a task exports itself
    "tasks": {*NUMBERS, "text", "checkpoints", "data", "evaluation", "serving", "decoding"},
}
BELOW["tasks"].add("runtime")  # what a caller may give in place of a text is read in one way
BELOW["tasks"].add("training")  # `compile()` is a recipe for BERT
BELOW["compression"] = {*BELOW["tasks"], "tasks"}  # smaller models out of larger ones; no task knows of it
BELOW["trust"] = {*BELOW["tasks"], "tasks"}  # what a model does, and why; `model.explain` finds it by a hook
BELOW["retrieval"] = {*BELOW["tasks"], "tasks"}  # answers out of documents: it reads them, and asks tasks
BELOW["tuning"] = {*GROUND, "evaluation", "training"}  # of runs as processes, whatever they train
BELOW["app"] = {*BELOW["tasks"], "tasks", "trust"}  # a page to try a model on; it shows explanations too
BELOW["runtime"] = {"errors", "foreign_files"}  # answers from exported folders where no TensorFlow is
BELOW["scripts"] = {*BELOW["compression"], "app", "compression", "tuning", "retrieval", "runtime", "trust"}

# The inner walls: inside a room, which folder or file may import from which of its neighbours. What a room shows
# (`__init__.py`) may name them all. A task rests on `base` alone; only `open_task` knows every task.
TASKS = {"pooled", "tagging", "question_answering", "embedding", "pretraining", "generation"}
INNER = {
    "tasks": {
        "base": set(),
        **{key: {"base"} for key in TASKS},
        "open_task": {"base", *TASKS},
    },
    "data": {
        "batching": set(),
        "class_names": set(),
        "sources": {"class_names"},
        "memory": {"class_names", "sources"},
        "tags": {"sources", "memory"},
        "history": set(),
        "shards": {"batching"},
        "pretraining": {"sources", "shards", "batching"},
        **{key: {"sources"} for key in ("read_choices", "read_targets")},
        "squad_file": {"history", "sources"},
        "target_rows": {"memory"},
        "question_rows": {"squad_file", "memory", "sources"},
    },
    "text": {
        **{key: set() for key in ("character_offsets", "normalized_spans", "normalizer_model", "ragged_rows")},
        **{key: set() for key in ("vocabulary", "words")},
        **{key: {"ragged_rows"} for key in ("regex_parts", "tag_decoding", "windows")},
        "added_tokens": {"ragged_rows", "regex_parts", "vocabulary"},
        "token_layer": {"added_tokens", "ragged_rows", "vocabulary"},
        "word_piece": {
            "added_tokens",
            "normalized_spans",
            "normalizer_model",
            "ragged_rows",
            "token_layer",
            "vocabulary",
        },
        "byte_pair": {
            *("added_tokens", "normalized_spans", "normalizer_model", "ragged_rows", "regex_parts", "token_layer"),
            "vocabulary",
        },
        "markers": {"ragged_rows", "token_layer"},
        "long_texts": {"ragged_rows", "windows"},
        "preprocessor": {"long_texts", "markers", "token_layer"},
        # Where words begin has one answer, for labels, answers and masks alike.
        "word_begins": {"byte_pair", "ragged_rows", "token_layer", "vocabulary", "words"},
        "alignment": {"ragged_rows", "token_layer", "word_begins"},
        "masks": {"byte_pair", "vocabulary", "word_begins"},
        "source_spelling": {"alignment", "word_piece"},
        "detokenize": {"ragged_rows", "token_layer", "vocabulary", "word_piece", "words"},
        "learning": {"byte_pair", "normalizer_model", "ragged_rows", "token_layer", "vocabulary", "word_piece"},
    },
    "training": {
        "adversary": set(),
        "privacy": set(),
        "optimizers": set(),
        "strategy": set(),
        **{key: set() for key in ("flops", "freeze", "scaling", "step_profile")},
        "runs": {
            "optimizers",
            "privacy",
            "strategy",
        },  # a model that is not compiled gets an optimizer; the chief writes
    },
    "trust": {
        "attack": set(),
        "audit": set(),
        "behaviour": {"attack", "audit"},  # typing errors; a suite's outcome is a finding
        "page": set(),  # of what explain gives, as JSON has it
        "explain": set(),
    },
}

# The only layers that may ask which backend runs them, and so import TensorFlow.
BACKEND_SWITCHES = ("layers/bias_add.py", "layers/dropout.py", "layers/gather_rows.py", "layers/recompute.py")

# Files that may use a private name of Keras or TensorFlow, each with the reason.
PRIVATE_NAMES_ALLOWED: dict[str, str] = {
    "tasks/base/global_batch.py": "keras-team/keras#20585: `fit` under a strategy builds from a dealt-out batch",
}
PRIVATE_MODULES = ("keras.src", "keras_hub.src", "tensorflow.python", "tensorflow_text.python")
FOREIGN = ("keras", "keras_hub", "tensorflow", "tensorflow_text", "tensorflow_datasets")

# Packages of the extras: imported inside the function that needs them.
EXTRAS = {
    "ai_edge_litert",
    "apache_beam",
    "bm25s",
    "bs4",
    "dp_accounting",
    "faiss",
    "gradio",
    "grpc",
    "ir_measures",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "optuna",
    "peft",
    "pypdf",
    "requests",
    "rouge_score",
    "sacrebleu",
    "scipy",
    "seqeval",
    "sklearn",
    "tensorboard",
    "tensorflow_serving",
    "tokenizers",
    "torch",
    "transformers",
}


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of whatever is imported, in functions and for type checkers too.

    `from a import b` gives `a.b`: whether `b` is a module cannot be told without importing.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, "." * node.level + f"{node.module or ''}.{alias.name}"


def imports_at_load(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What importing the module imports: whatever stands outside functions and `if TYPE_CHECKING:`."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(node)
        else:
            waiting.extend(ast.iter_child_nodes(node))


def is_private(part: str) -> bool:
    return part.startswith("_") and not part.startswith("__")


def dotted(node: ast.AST) -> str | None:
    """`tf.data.Dataset` of an attribute chain that starts at a name; None for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        start = dotted(node.value)
        return None if start is None else f"{start}.{node.attr}"
    return None


in_package = of_each(MODULES)
everywhere = of_each(EVERY_FILE)


def registered_classes() -> list[tuple[str, str]]:
    """Each class that is registered with Keras, with the module that defines it."""
    return [
        (node.name, ".".join(path.relative_to(ROOT).with_suffix("").parts))
        for path in MODULES
        for node in parse(path).body
        if isinstance(node, ast.ClassDef) and "register_keras_serializable" in map(last_name, node.decorator_list)
    ]


def last_name(node: ast.expr) -> str:
    return ast.unparse(node).split("(")[0].split(".")[-1]


def test_keras_finds_every_registered_class_before_it_is_imported():
    found = dict(registered_classes())
    assert sorted(found) == sorted(registration.MODULES), "keras_bert/registration.py names each of them"
    for name, module in registration.MODULES.items():
        assert f"{found[name]}.".startswith(f"{module}."), f"{name} is defined in {found[name]}"


@in_package
def test_a_room_imports_only_from_rooms_below(path: Path):
    room = room_of(path)
    if room == "__init__":
        return  # the public face names every room and loads none: public_face_test.py
    assert room in BELOW, f"{room}: a room that is not in the plan"
    for line, name in imports(parse(path)):
        assert not name.startswith("."), f"{inside(path)}:{line}: a relative import; write keras_bert..."
        parts = name.split(".")
        if parts[0] == "keras_bert":
            assert len(parts) > 1, f"{inside(path)}:{line}: import from the room, not from the public face"
            allowed = {*BELOW[room], room}
            assert parts[1] in allowed, f"{inside(path)}:{line}: {room} may not import from {parts[1]}"


def inner_room(parts: Sequence[str]) -> str:
    """The folder or file that a module belongs to: `base` of `tasks/base/task.py`, `words` of `text/words.py`."""
    return parts[1].removesuffix(".py") if len(parts) > 1 else "__init__"


@of_each([path for path in MODULES if room_of(path) in INNER])
def test_inner_walls_stand(path: Path):
    room, here = room_of(path), inner_room(inside(path).split("/"))
    if here == "__init__":
        return
    assert here in INNER[room], f"{inside(path)}: {here} is not in the plan of {room}/"
    for line, name in imports(parse(path)):
        parts = name.split(".")[1:]
        if name.startswith(f"keras_bert.{room}."):
            there = inner_room(parts)
            assert there in {*INNER[room][here], here}, f"{inside(path)}:{line}: {here} may not import from {there}"


@pytest.mark.parametrize("room", INNER)
def test_inner_walls_have_no_circle(room: str):
    graph = graphlib.TopologicalSorter(INNER[room])
    assert set(graph.static_order()) == {
        path.stem for path in (PACKAGE / room).iterdir() if path.suffix == ".py" and path.stem != "__init__"
    } | {path.name for path in (PACKAGE / room).iterdir() if (path / "__init__.py").is_file()}


@of_each([path for path in MODULES if room_of(path) in ("layers", "encoder")])
def test_layers_run_on_every_backend(path: Path):
    if inside(path) in BACKEND_SWITCHES:
        return
    for line, name in imports(parse(path)):
        assert name.split(".")[0] not in ("tensorflow", "tensorflow_text", "jax", "torch"), (
            f"{inside(path)}:{line}: imports {name}; layers are made of keras.ops, {BACKEND_SWITCHES} aside"
        )


def check_private_names(path: Path) -> None:
    tree = parse(path)
    names = {}
    for line, name in imports(tree):
        root = name.split(".")[0]
        assert not f"{name}.".startswith(tuple(f"{module}." for module in PRIVATE_MODULES)), f"{path}:{line}: {name}"
        if root in FOREIGN:
            assert not any(map(is_private, name.split("."))), f"{path}:{line}: {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in FOREIGN:
                    names[alias.asname or alias.name.split(".")[0]] = alias.name
    for node in ast.walk(tree):
        chain = dotted(node) if isinstance(node, ast.Attribute) else None
        if chain is None or chain.split(".")[0] not in names:
            continue
        start, *rest = chain.split(".")
        full = f"{names[start]}.{'.'.join(rest)}."
        assert not full.startswith(tuple(f"{module}." for module in PRIVATE_MODULES)), f"{path}:{node.lineno}: {chain}"
        assert not any(map(is_private, rest)), f"{path}:{node.lineno}: {chain}"


@everywhere
def test_no_private_name_of_keras_or_tensorflow(path: Path):
    if not path.is_relative_to(PACKAGE) or inside(path) not in PRIVATE_NAMES_ALLOWED:
        check_private_names(path)


@in_package
def test_extras_are_imported_where_they_are_used(path: Path):
    for line, name in imports_at_load(parse(path)):
        assert name.split(".")[0] not in EXTRAS, f"{inside(path)}:{line}: {name} belongs to an extra"


@of_each([path for path in MODULES if room_of(path) == "scripts"])
def test_programs_import_nothing_heavy_before_their_flags_are_read(path: Path):
    for line, name in imports_at_load(parse(path)):
        ours = tuple(
            f"keras_bert.{part}" for part in ("errors.", "escaping.", "files.", "foreign_files.", "scripts", "version.")
        )
        light = name.split(".")[0] in {*sys.stdlib_module_names, "absl"} or name.startswith(ours)
        assert light, f"{inside(path)}:{line}: {name} is imported before the flags are read"


@in_package
def test_flags_are_in_the_programs_only(path: Path):
    if room_of(path) == "scripts":
        return
    for line, name in imports(parse(path)):
        assert not name.startswith(("absl.flags", "absl.app", "argparse")), f"{inside(path)}:{line}: {name}"


def test_every_exemption_is_still_needed():
    for name in (*BACKEND_SWITCHES, *PRIVATE_NAMES_ALLOWED):
        assert (PACKAGE / name).is_file(), f"{name} is gone: take it off the list"


def test_imports_in_functions_and_for_type_checkers_are_seen():
    tree = ast.parse("import a.b\nfrom c import d\nif TYPE_CHECKING:\n    import e\ndef f():\n    from g.h import i\n")
    assert [name for _, name in imports(tree)] == ["a.b", "c.d", "e", "g.h.i"]
    assert sorted(name for _, name in imports_at_load(tree)) == ["a.b", "c.d"]


@pytest.mark.parametrize(
    ("source", "violates"),
    [
        ("import tensorflow as tf\ntf.python.ops", True),
        ("import keras\nkeras.src.layers.Dense", True),
        ("from keras.src import layers", True),
        ("from tensorflow.python.framework import ops", True),
        ("import tensorflow as tf\ntf._private", True),
        ("import tensorflow as tf\ntf.data.Dataset", False),
        ("import keras\nkeras.layers.Layer.__init__", False),
        ("self._keras = 1\nself._keras.src", False),
    ],
)
def test_private_names_are_seen(tmp_path: Path, source: str, violates: bool):
    path = tmp_path / "module.py"
    path.write_text(source, encoding="utf-8")
    if violates:
        with pytest.raises(AssertionError):
            check_private_names(path)
    else:
        check_private_names(path)
