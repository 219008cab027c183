"""Small banks on disk."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from quizdl.bank.survey import survey
from quizdl.bank.trust import Trust
from quizdl.settings import Paths

QUESTION = """\
+++
level = 1
tags = ["测试"]
refs = [{ text = "某文 (2020)" }]
+++
# {title}

## 一句话
会的。

## 要点
- [翻倍就是乘二](demo.py#doubles)。
- [平方不是翻倍](demo.py#squares)。
- [三倍不是翻倍](demo.py#triples)。

## 辨析
- “平方就是翻倍。” → **错误**：只在 0 和 2 处相等。

## 追问
- **负数呢？** [一样](demo.py#doubles)。
"""

DEMO = '''\
"""翻倍。"""

import numpy as np

from quizdl.proof import claim


def error(how, seed):
    x = 3 + np.random.default_rng(seed).uniform()
    return abs({"double": x + x, "square": x**2, "triple": 3 * x}[how] - 2 * x), x


@claim(guard={"输入": ">= 1"}, expect={"误差": "<= 1e-9"}, control={"how": "square"})
def doubles(how="double", seed=0):
    off, x = error(how, seed)
    return {"输入": x, "误差": off}


@claim(expect={"误差": ">= 0.1"}, control={"how": "double"})
def squares(how="square", seed=0):
    return {"误差": error(how, seed)[0]}


@claim(expect={"误差": ">= 0.1"}, control={"how": "double"})
def triples(how="triple", seed=0):
    return {"误差": error(how, seed)[0]}
'''


def write_question(
    root: Path,
    slug: str,
    *,
    topic: str = "arithmetic",
    question: str = QUESTION,
    demo: str | None = DEMO,
) -> Path:
    folder = root / topic / slug
    folder.mkdir(parents=True)
    (folder.parent / "topic.toml").write_text('title = "算术"\norder = 1\n', "utf-8")
    (folder / "question.md").write_text(question.replace("{title}", f"{slug} 吗？"), "utf-8")
    if demo is not None:
        (folder / "demo.py").write_text(demo, "utf-8")
    return folder


def trust_bank(root: Path, data: Path) -> None:
    """What `quizdl trust --yes` does for a learner whose data folder is `data`."""
    Trust(Paths(data, data).trust).grant(root, survey(root), datetime.now(UTC))


def trust_banks_below(folder: Path, data: Path) -> None:
    """Trust every bank in a test's own folder, as it is now."""
    for root in {demo.parents[2] for demo in folder.glob("**/demo.py") if demo.is_file()}:
        trust_bank(root, data)
