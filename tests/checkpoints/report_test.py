"""Reports are for people: short, but nothing is missing in their attributes."""

from pathlib import Path

from keras_bert.checkpoints import ConvertReport, LoadReport


def test_a_load_report_in_words():
    ignored = {f"slot{index}": "slot of the optimizer" for index in range(6)} | {"step": "a counter"}
    report = LoadReport("hf://a/b", ("x", "y"), ("classifier.weight",), ignored, ("lowercase=True: a guess",))
    assert str(report).splitlines() == [
        "hf://a/b: 2 weights loaded",
        "  1 new, with initial values: classifier.weight",
        "  6 passed over (slot of the optimizer): slot0, slot1, slot2, slot3 and 2 more",
        "  1 passed over (a counter): step",
        "  note: lowercase=True: a guess",
    ]
    assert len(report.ignored) == 7


def test_a_convert_report_in_words():
    report = ConvertReport("bert", Path("out"), ("a", "b"), {"step": "a counter"})
    assert str(report).splitlines() == ["bert -> out: 2 tensors written", "  1 passed over (a counter): step"]
