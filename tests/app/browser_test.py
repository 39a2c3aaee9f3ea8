"""Each task's page in headless Chromium: it opens, answers and explains, and nothing is on the console.

With `KERAS_BERT_SCREENSHOTS=FOLDER` what it saw is left there as pictures.
"""

import base64
import json
import os
import time
from pathlib import Path

import pytest

from keras_bert.app.page import EXPLAINED, make_page, serve_page
from tests.app.models import ASKED, every_model
from tests.export.chromium import PROGRAM, Page, browser

pytest.importorskip("gradio", reason="needs gradio: pip install 'bert-for-keras[app]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium: apt-get install chromium"),
]

SECONDS = 90
# As typing does: the page hears of it.
TYPE = """(() => {
  const box = document.querySelectorAll('textarea[data-testid="textbox"]')[%d];
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(box, %s);
  box.dispatchEvent(new Event('input', {bubbles: true}));
})()"""
SHOWN = "(document.querySelector('#answer')?.querySelector('textarea, input') || {}).value || "
SHOWN += "document.querySelector('#answer')?.innerText"
# The parts of a page come one after another: all that the test takes hold of.
DRAWN = """document.title == %s && ['h1', '#ask', '#answer'].every(part => document.querySelector(part))
&& document.querySelectorAll('textarea[data-testid="textbox"]').length >= %d"""


@pytest.mark.parametrize("name", ASKED)
def test_a_page(name: str, tmp_path: Path):
    model, texts = every_model()[name], ASKED[name]
    page = make_page(model, title=name)
    address = serve_page(page, port=0, wait=False)
    try:
        with browser(tmp_path, SECONDS) as view:
            view.open("about:blank")
            for domain in ("Log", "Runtime", "Network", "Page"):
                view.call(f"{domain}.enable")
            view.call("Emulation.setDeviceMetricsOverride", width=1100, height=800, deviceScaleFactor=1, mobile=False)
            view.call("Page.navigate", url=address)
            view.wait(DRAWN % (json.dumps(name), len(texts)))
            assert view.evaluate("document.querySelector('h1').innerText") == name
            before = view.evaluate(SHOWN)
            for index, text in enumerate(texts):
                view.evaluate(TYPE % (index, json.dumps(text)))
            view.evaluate("document.querySelector('#ask').click()")
            view.wait(f"({SHOWN}) != {json.dumps(before)} && !document.querySelector('.generating, .pending')")
            if isinstance(model, EXPLAINED):
                view.wait("!!document.querySelector('#why')")
                view.evaluate("document.querySelector('#why').click()")
                view.wait("!!document.querySelector('#explanation iframe')")
            time.sleep(0.5)  # what is on its way to the console
            keep_picture(view, name)
            assert view.evaluate("document.title") == name  # what stands in the texts did not run
            assert view.evaluate("document.querySelectorAll('main b, main i:not([class]), main u').length") == 0
    finally:
        page.close()
    assert not [event for event in view.events if is_problem(event)]
    asked = {
        event["params"]["request"]["url"] for event in view.events if event["method"] == "Network.requestWillBeSent"
    }
    assert all(url.startswith((address, "data:", "blob:")) or url == "about:srcdoc" for url in asked), asked


def is_problem(event: dict) -> bool:
    """Tells what a developer would see in red."""
    parameters = event.get("params", {})
    return (
        event["method"] == "Runtime.exceptionThrown"
        or (event["method"] == "Log.entryAdded" and parameters["entry"]["level"] == "error")
        or (event["method"] == "Runtime.consoleAPICalled" and parameters["type"] == "error")
    )


def keep_picture(view: Page, name: str) -> None:
    folder = os.environ.get("KERAS_BERT_SCREENSHOTS")
    if folder:
        picture = view.call("Page.captureScreenshot", format="png")["data"]
        Path(folder, f"app_{name}.png").write_bytes(base64.b64decode(picture))
