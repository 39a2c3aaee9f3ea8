"""A page of 100 texts in headless Chromium: nothing on the console, `<script>` is text, the keyboard works."""

import json
from pathlib import Path

import pytest

from keras_bert.trust.page import write_page
from tests.export.chromium import PROGRAM, browser
from tests.trust.page.explained import attention, explanation

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium: apt-get install chromium"),
]

SECONDS = 60
SCRIPT = "<script>document.title = 'broken'</script><img src=x onerror=\"document.title = 'broken'\">"


def test_a_page_of_a_hundred_texts(tmp_path: Path):
    texts = [explanation(f"{SCRIPT} a gripping film of great warmth , number {index}", index) for index in range(97)]
    long = [explanation("a gripping film of great warmth , and " * 60, index) for index in range(2)]
    path = tmp_path / "page.html"
    write_page(path, [*texts, *long, attention(["[CLS]", "<script>", "film", "[SEP]"], [1], [1, 2])], "mine")
    assert path.stat().st_size < 2_000_000
    (tmp_path / "profile").mkdir()
    with browser(tmp_path / "profile", SECONDS) as page:
        page.open("about:blank")
        page.call("Log.enable")
        page.call("Runtime.enable")
        page.call("Network.enable")
        page.call("Page.enable")
        page.call("Page.navigate", url=path.as_uri())
        page.wait("document.readyState == 'complete' && location.protocol == 'file:'")
        assert page.evaluate("document.title") == "mine"
        assert page.evaluate("document.querySelectorAll('article').length") == 100
        assert page.evaluate("document.scripts.length") == 0
        assert SCRIPT in page.evaluate("document.querySelector('#t1 .text').textContent")
        images = "[...document.images].filter(image => !(image.complete && image.naturalWidth > 0)).length"
        assert page.evaluate(images) == 0

        # The keyboard: Tab to the first link, Enter follows it; a fold opens by Enter.
        press(page, "Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        press(page, "Enter")
        page.wait("location.hash == '#t1'")
        page.evaluate("document.querySelector('#t98 details summary').focus()")
        press(page, "Enter")
        page.wait("document.querySelector('#t98 details').open")

        # The name of each column of an attention map stands over it.
        page.evaluate("document.querySelectorAll('#t100 details').forEach(each => each.open = true)")
        edges = "[...document.querySelectorAll('#t100 .map')].map(map => ['.columns span:last-child', 'img'].map("
        edges += "part => map.querySelector(part).getBoundingClientRect().right))"
        assert all(abs(name - picture) <= 2 for name, picture in page.evaluate(edges))

        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        dark_mode = [{"name": "prefers-color-scheme", "value": "dark"}]
        page.call("Emulation.setEmulatedMedia", features=dark_mode)
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert light == "rgb(255, 255, 255)"
        assert dark != light
    problems = [event for event in page.events if is_problem(event)]
    assert not problems, problems
    asked = [
        event["params"]["request"]["url"] for event in page.events if event["method"] == "Network.requestWillBeSent"
    ]
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}, asked


def press(page, key: str) -> None:
    codes = {"Tab": 9, "Enter": 13}
    text = {"text": "\r"} if key == "Enter" else {}
    for kind in ("keyDown", "keyUp"):
        more = text if kind == "keyDown" else {}
        page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key], **more)


def is_problem(event: dict) -> bool:
    """Whatever the console shows: entries of the log, calls of the console, exceptions."""
    return event["method"] in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") and bool(
        json.dumps(event)
    )
