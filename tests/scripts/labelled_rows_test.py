"""Rows of a file as `evaluate` reads them are a matter of its tests; here, the --dev of a run."""

from pathlib import Path

from tests.scripts.programs import imported


def test_the_dev_of_a_run_stands_in_its_flags(tmp_path: Path):
    model = tmp_path / "run" / "model"
    model.mkdir(parents=True)
    with imported("labelled_rows") as module:
        dev_of_the_run = module.dev_of_the_run
    assert dev_of_the_run(model) is None
    for lines, expected in (
        ("--train=a.tsv\n--dev=b [1].tsv\n", "b [1].tsv"),
        ("--dev=b.tsv\n--dev=c.tsv\n", "c.tsv"),
        ("--train=a.tsv\n--dev=\n", None),
        ("--developer=x\n", None),
    ):
        (tmp_path / "run" / "flags.txt").write_text(lines)
        assert dev_of_the_run(model) == expected
