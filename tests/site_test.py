"""The site's sources hold every page, every public name and every program; sphinx is not needed."""

import importlib
import importlib.util
import inspect
import re
import tomllib
from pathlib import Path

import pytest

from keras_bert.scripts.main import PROGRAMS
from keras_bert.version import __version__

ROOT = Path(__file__).resolve().parents[1]


def load_generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "site" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generate()


def test_every_page_is_in_the_index_once():
    listed = [*generate.topics(), *generate.LAST]
    assert sorted(listed) == sorted(page.stem for page in (ROOT / "docs").glob("*.md"))


def test_the_order_names_pages_that_exist():
    assert [name for name in generate.TOPICS if not (ROOT / "docs" / f"{name}.md").is_file()] == []


@pytest.mark.parametrize("room", generate.rooms())
def test_every_public_name_has_its_entry(room: str):
    module = importlib.import_module(room)
    page = "\n".join(generate.entries(room))
    for name in module.__all__:
        value = getattr(module, name)
        if not inspect.ismodule(value) and name != "__version__":
            assert re.search(rf"[.`]{re.escape(name)}(`|$)", page, re.MULTILINE), name


@pytest.mark.parametrize("room", generate.rooms())
def test_every_public_class_and_function_says_what_it_is(room: str):
    module = importlib.import_module(room)
    values = {name: getattr(module, name) for name in module.__all__}
    bare = [name for name, value in values.items() if inspect.isclass(value) or inspect.isroutine(value)]
    assert [name for name in bare if not values[name].__doc__] == []


def test_methods_of_a_base_are_shown_and_those_of_keras_are_not():
    from keras_bert import BertClassifier

    shown = generate.members(BertClassifier)
    assert {"from_preset", "answer", "explain", "save_preset"} <= set(shown)
    assert "count_params" not in shown


def test_a_page_of_a_program_has_its_commands_and_flags():
    page = generate.program_page("tokenize")
    assert page.startswith("# keras-bert tokenize\n")
    assert re.search(r"```\n[^`]*keras-bert tokenize", page)
    assert re.search(r"(?m)^`--preset`\n: ", page)


def test_marks_in_the_help_of_a_flag_are_shown_as_they_are():
    assert generate.escaped("<e1> *or* `<e2>`, a_b") == r"\<e1\> \*or\* `<e2>`, a\_b"


def test_the_programs_are_all_in_the_list():
    page = generate.programs_index(PROGRAMS)
    assert all(f"[{name}](programs/{name}.md)" in page for name in PROGRAMS)


def test_what_cites_the_package_has_its_version():
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## [{__version__}] - " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_extra_for_the_site_is_pinned():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert [line for line in extras["docs"] if "==" not in line] == []


def test_the_files_that_contributors_are_sent_to_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:keras_bert|tests|docs|\.ci)/[a-z_/.]+)`", text)) - {
        "keras_bert/a/b.py",
        "tests/a/b_test.py",
    }
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []
