"""Every relative link of every page leads to a file that is there, and to a heading of it; no network is asked."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs_in_step_test import FENCE, HEADING, INLINE_CODE, slug

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\(<?([^()\s>]+(?:\([^()\s]*\)[^()\s]*)?)>?(?: \"[^\"]*\")?\)|(?:src|href)=\"([^\"]+)\"")
FOREIGN = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def pages() -> list[str]:
    """Markdown and notebooks that belong to the project, as paths from its root."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() or [str(path.relative_to(ROOT)) for path in ROOT.glob("[!.]*/**/*")]
    names += [path.name for path in ROOT.glob("*.md")]
    return sorted({name for name in names if name.endswith((".md", ".ipynb")) and not name.startswith("tests/")})


def prose(page: Path) -> str:
    """The text of a page without its code, that of a notebook's cells of Markdown."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    lines, fenced = [], False
    for line in text.splitlines():
        fenced ^= bool(FENCE.match(line))
        if not fenced and not line.startswith("    "):
            lines.append(line)
    return "\n".join(lines)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as a code host makes them: a second one of a name has a number."""
    found: Counter[str] = Counter()
    names = set()
    for heading in (match[2] for match in map(HEADING.match, text.splitlines()) if match):
        name = slug(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading))
        names.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return names


def dead_links(page: Path, root: Path = ROOT) -> list[str]:
    """The links of a page that lead nowhere."""
    dead = []
    for link in (match[1] or match[2] for match in LINK.finditer(INLINE_CODE.sub("", prose(page)))):
        if FOREIGN.match(link):
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / unquote(path)).resolve() if path else page
        if not there.exists() or not there.is_relative_to(root.resolve()):
            dead.append(f"{link}: no such file")
        elif anchor and there.suffix == ".md" and unquote(anchor) not in anchors(prose(there)):
            dead.append(f"{link}: no such heading")
    return dead


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_somewhere(page: str):
    assert dead_links(ROOT / page) == []


def test_what_leads_nowhere_is_found(tmp_path: Path):
    (tmp_path / "other.md").write_text("# One `thing`\n\n## Twice\n\n## Twice\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md#one-thing) [b](other.md#twice-1) [c](other.md#twice-2) [d](none.md) [e](#here) [f](../out.md)\n"
        '[g](https://example.org/x#y) `[h](code.md)` ![i](none.png) <img src="none.svg">\n\n```\n[j](fenced.md)\n```\n',
        encoding="utf-8",
    )
    (tmp_path.parent / "out.md").write_text("outside", encoding="utf-8")
    assert dead_links(page, tmp_path) == [
        "other.md#twice-2: no such heading",
        "none.md: no such file",
        "#here: no such heading",
        "../out.md: no such file",
        "none.png: no such file",
        "none.svg: no such file",
    ]
