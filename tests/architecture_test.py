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

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "keras_bert"

# Which rooms each room may import from: only rooms below it.
GROUND = {"arguments", "errors", "escaping", "files", "foreign_files", "graph", "preset_hook", "version"}
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
    "preset_hook": set(),  # what it opens, the room of checkpoints puts there
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
BELOW["tasks"].add("training")  # `compile()` is a recipe for BERT
BELOW["scripts"] = {*BELOW["tasks"], "tasks", "training"}

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
        **{key: {"sources"} for key in ("pretraining", "read_choices", "read_targets", "squad_file")},
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
        "preprocessor": {"markers", "token_layer"},
        # Where words begin has one answer, for labels, answers and masks alike.
        "word_begins": {"byte_pair", "ragged_rows", "token_layer", "vocabulary", "words"},
        "alignment": {"ragged_rows", "token_layer", "word_begins"},
        "masks": {"byte_pair", "vocabulary", "word_begins"},
        "source_spelling": {"alignment", "word_piece"},
        "detokenize": {"ragged_rows", "token_layer", "vocabulary", "word_piece", "words"},
        "learning": {"byte_pair", "normalizer_model", "ragged_rows", "token_layer", "vocabulary", "word_piece"},
    },
    "training": {
        "optimizers": set(),
        "strategy": set(),
        **{key: set() for key in ("flops", "freeze", "scaling", "step_profile")},
        "runs": {"optimizers", "strategy"},  # a model that is not compiled gets an optimizer; the chief writes
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
    "apache_beam",
    "faiss",
    "grpc",
    "matplotlib",
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

# Sources without a test file of the same name, each with where it is tested.
TESTED_ELSEWHERE = {
    "version.py": "tests/packaging_test.py",
    # The readers and the mapping are tested as one: file in, the writing library's own outputs out.
    **dict.fromkeys(
        (
            "checkpoints/checkpoint.py",
            "checkpoints/heads.py",
            "checkpoints/hugging_face.py",
            "checkpoints/keras_hub.py",
            "checkpoints/mapping.py",
            "checkpoints/model_garden.py",
            "checkpoints/names.py",
            "checkpoints/report.py",
            "checkpoints/shapes.py",
            "checkpoints/tensorflow_file.py",
            "checkpoints/tokenizer_files.py",
            "checkpoints/weight_files.py",
        ),
        "tests/checkpoints/reference_test.py, google_test.py and save_test.py",
    ),
    **dict.fromkeys(
        ("checkpoints/sentence_transformers.py", "checkpoints/sentence_transformers_files.py"),
        "tests/tasks/embedding/sentence_transformers_test.py, against vectors of that library",
    ),
    "checkpoints/convert.py": "tests/checkpoints/save_test.py",
    "preset_hook.py": "tests/checkpoints/parts_test.py",
    "checkpoints/presets.py": "tests/checkpoints/download_test.py",
    # One reader a file format, one front: what each accepts and refuses is tested through `read`.
    **dict.fromkeys(
        (
            "data/sources/csv_file.py",
            "data/sources/json_lines_file.py",
            "data/sources/labels.py",
            "data/sources/lines.py",
            "data/sources/source.py",
            "data/sources/tensors.py",
            "data/sources/tsv_file.py",
        ),
        "tests/data/sources/read_test.py",
    ),
    "data/batching/batch_size.py": "tests/data/batching/batches_test.py",
    "data/memory/table.py": "tests/data/memory/rows_test.py",
    "data/pretraining/tokenized.py": "tests/data/pretraining/text_test.py",
    "data/pretraining/segments.py": "tests/data/pretraining/examples_test.py and unilm_examples_test.py",
    "data/pretraining/manifest.py": "tests/data/pretraining/records_test.py",
    # What the pipeline is made of, from the files in to the records out.
    **dict.fromkeys(
        (
            "data/pretraining/beam_files.py",
            "data/pretraining/beam_runner.py",
            "data/pretraining/corpus.py",
            "data/pretraining/output.py",
            "data/pretraining/shard.py",
            "data/pretraining/worker.py",
        ),
        "tests/data/pretraining/pipeline_test.py",
    ),
    "tasks/tagging/tagged_rows.py": "tests/tasks/tagging/tagger_test.py",
    "tasks/pooled/class_checks.py": "tests/tasks/pooled/classifier_test.py",
    "serving/signature.py": "tests/serving/saved_model_test.py and frozen_test.py",
    **dict.fromkeys(
        (f"tasks/question_answering/{name}.py" for name in ("head", "labelled")),
        "tests/tasks/question_answering/answerer_test.py",
    ),
    "text/normalized_spans.py": "tests/text/word_piece/tokenizer_test.py and byte_pair/byte_pair_tokenizer_test.py",
    "text/regex_parts.py": "tests/text/byte_pair/byte_words_test.py",
    "text/token_layer.py": "tests/text/word_piece/tokenizer_test.py and byte_pair/byte_pair_tokenizer_test.py",
    "text/word_piece/wordpiece.py": "tests/text/word_piece/tokenizer_test.py and hugging_face_test.py",
    "tasks/pretraining/pretraining_task.py": "tests/tasks/pretraining/pretrainer_test.py and causal_lm_test.py",
    "decoding/rows.py": "tests/decoding/beam_search_test.py and one_by_one_test.py",
    "scripts/pretraining_examples.py": "tests/scripts/pretrain_test.py",
    "training/runs/phase.py": "tests/training/runs/epoch_run_test.py",
    "training/runs/run_checkpoints.py": "tests/training/runs/run_state_test.py",
    "training/runs/run_log.py": "tests/training/runs/epoch_log_test.py and training_log_test.py",
    **{f"scripts/{n}.py": "tests/scripts/task_kinds/generate_test.py" for n in ("random_weights", "smoothing_flags")},
    **{f"scripts/{n}_flags.py": "tests/scripts/task_kinds/generate_test.py" for n in ("generation", "target")},
    "scripts/demo.py": "`make demo`, a stage of the whole check",
}

# Files with more than one public class, each with the one job they do together.
ONE_JOB = {
    "layers/tokens.py": "a layer and its inverse",
}

# Lines of a file of the package, and of any other.
MAX_LINES = {"keras_bert": 400, "": 500}

# Files of the package that may be longer, each with the reason.
LONGER: dict[str, str] = {}


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


MODULES = sources("keras_bert")
EVERY_FILE = sources("keras_bert", "tests", "export", "benchmarks", "notebooks")


def inside(path: Path) -> str:
    """The path as it is written in the tables above: `text/word_piece/tokenizer.py`."""
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return inside(path).split("/")[0].removesuffix(".py")


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


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


in_package = pytest.mark.parametrize("path", MODULES, ids=inside)
everywhere = pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: path.relative_to(ROOT).as_posix())


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


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) in INNER], ids=inside)
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


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) in ("layers", "encoder")], ids=inside)
def test_layers_run_on_every_backend(path: Path):
    if inside(path) in BACKEND_SWITCHES:
        return
    for line, name in imports(parse(path)):
        assert name.split(".")[0] not in ("tensorflow", "tensorflow_text", "jax", "torch"), (
            f"{inside(path)}:{line}: imports {name}; layers are made of keras.ops, {BACKEND_SWITCHES} aside"
        )


@everywhere
def test_no_private_name_of_keras_or_tensorflow(path: Path):
    if path.is_relative_to(PACKAGE) and inside(path) in PRIVATE_NAMES_ALLOWED:
        return
    tree = parse(path)
    names = {}
    for line, name in imports(tree):
        root = name.split(".")[0]
        assert not f"{name}.".startswith(tuple(f"{module}." for module in PRIVATE_MODULES)), f"line {line}: {name}"
        if root in FOREIGN:
            assert not any(map(is_private, name.split("."))), f"line {line}: {name}"
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
        assert not full.startswith(tuple(f"{module}." for module in PRIVATE_MODULES)), f"line {node.lineno}: {chain}"
        assert not any(map(is_private, rest)), f"line {node.lineno}: {chain}"


@in_package
def test_extras_are_imported_where_they_are_used(path: Path):
    for line, name in imports_at_load(parse(path)):
        assert name.split(".")[0] not in EXTRAS, f"{inside(path)}:{line}: {name} belongs to an extra"


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) == "scripts"], ids=inside)
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


def is_record(node: ast.ClassDef) -> bool:
    """Whether a class only holds values (dataclass, named tuple, enum, protocol) or is an exception."""
    plain = ("NamedTuple", "TypedDict", "Enum", "StrEnum", "IntEnum", "Protocol", "Error", "Exception")
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list) or any(
        ast.unparse(base).split("[")[0].endswith(plain) for base in node.bases
    )


@in_package
def test_one_public_class_a_file(path: Path):
    classes = [
        node.name
        for node in parse(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not is_record(node)
    ]
    assert len(classes) <= 1 or inside(path) in ONE_JOB, f"{inside(path)} holds {', '.join(classes)}"


@everywhere
def test_no_file_is_long(path: Path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    ours = path.is_relative_to(PACKAGE) and inside(path) not in LONGER
    assert lines <= MAX_LINES["keras_bert" if ours else ""], f"{path.relative_to(ROOT)} has {lines} lines"


@pytest.mark.parametrize(
    "path",
    [path for path in EVERY_FILE if not path.is_relative_to(ROOT / "tests")],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_every_file_says_what_it_is(path: Path):
    docstring = ast.get_docstring(parse(path)) or ""
    first = docstring.split("\n")[0]
    assert first.endswith((".", ":", "?")), (
        f"{path.relative_to(ROOT)}: no docstring of which the first line says what it is"
    )


@in_package
def test_every_source_has_its_test_file(path: Path):
    name = inside(path)
    if path.name == "__init__.py" or name in TESTED_ELSEWHERE:
        return
    mirror = ROOT / "tests" / f"{name.removesuffix('.py')}_test.py"
    assert mirror.is_file(), f"{name} has no {mirror.relative_to(ROOT)}"


def test_every_exemption_is_still_needed():
    for name in (*BACKEND_SWITCHES, *LONGER, *ONE_JOB, *PRIVATE_NAMES_ALLOWED, *TESTED_ELSEWHERE):
        assert (PACKAGE / name).is_file(), f"{name} is gone: take it off the list"


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES}), ids=lambda p: p.name)
def test_every_room_is_a_package(folder: Path):
    assert (folder / "__init__.py").is_file(), f"{folder.relative_to(ROOT)} has no __init__.py"


# The checks themselves are checked: each must see what it is there to see.


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
            test_no_private_name_of_keras_or_tensorflow(path)
    else:
        test_no_private_name_of_keras_or_tensorflow(path)
