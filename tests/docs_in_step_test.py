"""The Chinese pages say what the English ones say: headings, code, figures and links are held side by side.

What is compared, section by section in the order of the page:

* the levels of the headings;
* the code blocks: commands and code are the same to the letter. Comments may be translated, and a quoted text may be a
  Chinese one in its place;
* the lines of tables, and the figures and inline code of text and tables, in any order, since sentences are built
  otherwise;
* the links: a Chinese page leads to the Chinese twin of a page where there is one, and to the heading at the same
  place.

Whether the sentences mean the same, only a reader can tell.
"""

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Pages under docs/ that have no Chinese twin yet. The list only gets shorter: a page that is translated leaves it, and
# a new page comes with its twin or with a line here.
ENGLISH_ONLY = {
    "decisions.md",
}
TRANSLATED = ["README.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs" / "zh").glob("*.md"))]

FENCE = re.compile(r"^\s*```")
HEADING = re.compile(r"^(#+) (.*)$")
LINK = re.compile(r"\]\(([^()\s]+)\)")
INLINE_CODE = re.compile(r"`([^`]+)`")
FIGURE = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
COMMENT = re.compile(r"(?:^|(?<=\s))#(?:\s.*)?$", re.MULTILINE)
QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass
class Section:
    """A heading and what stands under it, up to the next one."""

    level: int
    heading: str
    lines: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join([self.heading, *self.lines])


def sections(page: str) -> list[Section]:
    """The sections of a page of Markdown; the first one is what stands above the first heading."""
    found, block, fenced, before = [Section(0, "")], None, False, ""
    for line in page.splitlines():
        indented = line.startswith("    ") and not fenced and (block is not None or not before.strip())
        if FENCE.match(line):
            fenced = not fenced
            block = [] if fenced else block
            if not fenced:
                found[-1].code.append("\n".join(block))
                block = None
        elif fenced:
            block.append(line)
        elif indented:
            block = [*(block or []), line]
        else:
            if block is not None:
                found[-1].code.append("\n".join(block))
                block = None
            heading = HEADING.match(line)
            if heading:
                found.append(Section(len(heading[1]), heading[2]))
            else:
                found[-1].lines.append(line)
        before = line
    if block is not None:
        found[-1].code.append("\n".join(block))
    return found


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: str) -> list[str]:
    return [slug(section.heading) for section in sections(page)]


def twin(page: str) -> str:
    """The Chinese page of an English one, both as paths from the root."""
    return "README.zh.md" if page == "README.md" else page.replace("docs/", "docs/zh/", 1)


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def target(link: str, page: str) -> str:
    """What a link of a page leads to, the same for both languages: the English page and the number of the heading."""
    if link.startswith(("http://", "https://", "mailto:")):
        return link
    path, _, anchor = link.partition("#")
    path = os.path.normpath(Path(page).parent / path) if path else page
    if not (ROOT / path).exists():
        return f"{link}, which is no file"
    english = {twin(each): each for each in TRANSLATED}
    chinese = page in english
    if chinese and path in TRANSLATED and path != english[page]:
        return f"{link}, which has a Chinese twin"
    place = ""
    if anchor:
        there = anchors(read(path))
        place = f" heading {there.index(anchor)}" if anchor in there else f"#{anchor}, which is no heading there"
    return english.get(path, path) + place


def code_differs(english: str, chinese: str) -> bool:
    """Whether two blocks differ in more than comments and the language of quoted texts."""
    ours, theirs = (
        "\n".join(line.rstrip() for line in COMMENT.sub("", block).splitlines()) for block in (english, chinese)
    )
    if QUOTED.sub('""', ours) != QUOTED.sub('""', theirs):
        return True
    pairs = zip(QUOTED.findall(ours), QUOTED.findall(theirs), strict=True)
    return any(one != other and not HAN.search(other) for one, other in pairs)


def section_differences(english: Section, chinese: Section, page: str) -> list[str]:
    found = []
    if len(english.code) != len(chinese.code):
        found.append(f"{len(english.code)} code blocks, {len(chinese.code)} in Chinese")
    elif any(map(code_differs, english.code, chinese.code)):
        found.append("a code block differs")
    tables = [sum(line.startswith("|") for line in section.lines) for section in (english, chinese)]
    if tables[0] != tables[1]:
        found.append(f"{tables[0]} lines of tables, {tables[1]} in Chinese")
    plain = [LINK.sub("]", section.text) for section in (english, chinese)]
    counts = {
        "inline code": [Counter(" ".join(code.split()) for code in INLINE_CODE.findall(text)) for text in plain],
        "figures": [Counter(FIGURE.findall(INLINE_CODE.sub("", text))) for text in plain],
        "links": [
            Counter(target(link, name) for link in LINK.findall(section.text))
            for section, name in ((english, page), (chinese, twin(page)))
        ],
    }
    # The link to the same page in the other language.
    counts["links"][0].pop(f"{twin(page)}", None)
    counts["links"][0].pop(page, None)
    counts["links"][1].pop(page, None)
    dead = [link for part in counts["links"] for link in part if ", which " in link]
    if dead:
        found.append(f"links: {dead}")
        del counts["links"]
    for name, (ours, theirs) in counts.items():
        if ours != theirs:
            found.append(f"{name}: only English {dict(ours - theirs)}, only Chinese {dict(theirs - ours)}")
    return [f"{english.heading or 'top'} / {chinese.heading or 'top'}: {line}" for line in found]


def differences(english: str, chinese: str, page: str) -> list[str]:
    """Where two texts of a page are not in step, a line for each."""
    ours, theirs = sections(english), sections(chinese)
    levels = [[section.level for section in part] for part in (ours, theirs)]
    if levels[0] != levels[1]:
        return [f"levels of the headings: {levels[0]}, in Chinese {levels[1]}"]
    return [line for pair in zip(ours, theirs, strict=True) for line in section_differences(*pair, page)]


@pytest.mark.parametrize("page", TRANSLATED)
def test_a_page_and_its_chinese_twin_are_in_step(page: str):
    found = differences(read(page), read(twin(page)), page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_lead_to_each_other(page: str):
    for here, there in ((page, twin(page)), (twin(page), page)):
        link = os.path.relpath(there, Path(here).parent)
        assert f"]({link})" in read(here).split("\n## ")[0], f"{here} has no link to {there} at its top"


def test_every_page_has_a_twin_or_is_named():
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    assert pages - {Path(page).name for page in TRANSLATED if page != "README.md"} == ENGLISH_ONLY


PAGE = """# A page

See [results](../benchmarks/RESULTS.md#memory): 1,079 s with `--epochs=2`.

```
echo "a film" | keras-bert predict --model=m  # ask
```

## Next

| a | b |
|---|---|
| 1 | 2 |
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("## Next", "### Next", "levels"),
        ("1,079", "1,097", "figures"),
        ("| 1 | 2 |", "| 1 | 3 |", "figures"),
        ("| 1 | 2 |\n", "1 2", "lines of tables"),
        ("--epochs=2", "--epochs=3", "inline code"),
        ("--model=m", "--model=n", "code block differs"),
        ('"a film"', '"a movie"', "code block differs"),
        ("#memory", "#serving", "links"),
        ("#memory", "#room", "no heading there"),
        ("RESULTS.md#memory", "memory.py", "links"),
        ("../../benchmarks", "../benchmarks", "no file"),
    ],
)
def test_what_is_out_of_step_is_said(old: str, new: str, said: str):
    chinese = PAGE.replace("(../", "(../../")
    assert old in chinese
    (line,) = differences(PAGE, chinese.replace(old, new, 1), "docs/classification.md") or [""]
    assert said in line


def test_a_link_that_is_dead_in_both_languages_is_said():
    english, chinese = (
        f"[a]({path}#no-such-heading) [b]({path})"
        for path in ("../benchmarks/RESULTS.md", "../../benchmarks/RESULTS.md")
    )
    (line,) = differences(english, chinese, "docs/classification.md")
    assert "no heading there" in line


@pytest.mark.parametrize(("old", "new"), [("# ask", "# 提问"), ('"a film"', '"一部电影"'), ("See ", "参见 ")])
def test_comments_texts_and_sentences_may_be_chinese(old: str, new: str):
    chinese = PAGE.replace("(../", "(../../")
    assert not differences(PAGE, chinese.replace(old, new, 1), "docs/classification.md")
