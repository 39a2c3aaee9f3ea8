"""Lines that are written over a long time: whole at the end, and what is there when it is cut off is not made again."""

from pathlib import Path
from typing import Any

import pytest

from keras_bert.errors import InputError, LostProcessError
from keras_bert.scripts.part_file import PartFile, digest_of

GROUPS = [["a", "b"], ["ä", ""], ["e"]]


class CutError(Exception):
    """Stands for a power cut."""


def write(
    path: Path, groups: list[list[str]], cut_after: int | None = None, error: Any = CutError, **facts: str
) -> int:
    with PartFile(str(path), facts) as part:
        begun = part.groups
        for number, group in enumerate(groups[begun:], start=begun):
            if number == cut_after:
                raise error("cut off")
            part.write(group)
    return begun


@pytest.mark.parametrize("cut_after", [0, 1, 2])
def test_it_goes_on_behind_the_last_whole_group(tmp_path: Path, cut_after: int):
    path = tmp_path / "lines"
    with pytest.raises(CutError):
        write(path, GROUPS, cut_after, model="m")
    with (tmp_path / "lines.part").open("ab") as file:
        file.write(b"half")
    assert write(path, GROUPS, model="m") == cut_after
    assert path.read_text(encoding="utf-8") == "a\nb\nä\n\ne\n"
    assert [found.name for found in tmp_path.iterdir()] == ["lines"]


@pytest.mark.parametrize(("error", "stays"), [(LostProcessError, True), (InputError, False)])
def test_what_is_there_stays_unless_the_input_is_to_be_mended(tmp_path: Path, error: type[InputError], stays: bool):
    with pytest.raises(error):
        write(tmp_path / "lines", GROUPS, 2, error)
    assert {found.name for found in tmp_path.iterdir()} == ({"lines.part", "lines.part.json"} if stays else set())


def test_other_facts_are_refused_and_nothing_is_lost(tmp_path: Path):
    with pytest.raises(CutError):
        write(tmp_path / "lines", GROUPS, 2, model="m", seed="1")
    with pytest.raises(InputError, match=r"lines\.part: holds lines of another command, with another model"):
        write(tmp_path / "lines", GROUPS, model="n", seed="1")
    assert (tmp_path / "lines.part").read_text(encoding="utf-8").startswith("a\nb\n")


def test_what_is_there_is_replaced_at_the_end_alone(tmp_path: Path):
    (tmp_path / "lines").write_text("earlier")
    with pytest.raises(CutError):
        write(tmp_path / "lines", GROUPS, 2)
    assert (tmp_path / "lines").read_text() == "earlier"
    write(tmp_path / "lines", GROUPS)
    assert (tmp_path / "lines").read_text(encoding="utf-8").startswith("a\nb\n")


def test_two_programs_do_not_write_one_file(tmp_path: Path):
    with PartFile(str(tmp_path / "lines"), {}) as part:
        part.write(["a"])
        with pytest.raises(InputError, match=r"lines\.part: another program writes there"):
            PartFile(str(tmp_path / "lines"), {})
        part.write(["b"])
    assert (tmp_path / "lines").read_text() == "a\nb\n"


def test_a_digest_tells_files_and_folders_apart(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("1")
    first = digest_of(str(tmp_path / "folder"))
    (tmp_path / "folder" / "b").write_text("1")
    assert len({first, digest_of(str(tmp_path / "folder")), digest_of(str(tmp_path / "folder" / "a"))}) == 3
    assert digest_of("minilm") == "minilm"
