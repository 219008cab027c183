"""How a key feels while a proof spins every core: `python tests/benchmarks/load.py [KEYS]`.

The real program in a pseudo-terminal of 120 x 40, on an answer too long for it, whose claims
loop for ever, one for each core. End and Home in turn, from the writing of the key to the
moment when the last line, or the first, has been read from the terminal: first while nothing
runs, then while the proof does, then again while nothing runs. Medians, and their ratio.
Before that the proof is cancelled a few times, by c and by Esc. Textual's reader waits up to
0.1 s whether more follows an Esc, on terminals without the kitty keyboard protocol.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from screen import Terminal

QUESTION = """\
+++
level = 1
tags = []
refs = [{{ text = "某文 (2020)" }}]
+++
# 这一题很长

## 一句话
{links}

## 要点
{lines}

最后一行。
"""
CLAIM = """
@claim(expect={{"x": ">= 1"}}, control={{"a": 0.0}})
def spin_{number}(a=1.0, seed=0):
    while True:
        a = a * 1.0000001
"""
CANCELS = 9


def write_bank(root: Path, claims: int) -> None:
    folder = root / "topic" / "long"
    folder.mkdir(parents=True)
    (root / "topic/topic.toml").write_text('title = "主题"\norder = 1\n', "utf-8")
    links = "。".join(f"[命题 {n}](demo.py#spin_{n})" for n in range(claims))
    lines = "\n".join(f"- 第 {n} 行：这里的文字要排成好几行，才能看出滚动。" for n in range(200))
    (folder / "question.md").write_text(QUESTION.format(links=links, lines=lines), "utf-8")
    demo = "from quizdl.proof import claim\n"
    demo += "".join(CLAIM.format(number=n) for n in range(claims))
    (folder / "demo.py").write_text(demo, "utf-8")


def main(keys: int = 30) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "bank")
        write_bank(root, os.cpu_count() or 1)
        home = Path(folder, "home")
        home.mkdir()
        subprocess.run(
            [sys.executable, "-m", "quizdl", "trust", "--yes", str(root)],
            env=os.environ | {"QUIZDL_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        command = [sys.executable, "-m", "quizdl", "--bank", str(root)]
        terminal = Terminal(command, home, rows=40, columns=120)
        try:
            terminal.wait("1 道题")
            terminal.press("\r")
            terminal.wait("先自己讲一遍")
            terminal.press(" ")
            terminal.wait("不假思索")
            idle = times(terminal, keys)
            cancels = {
                name: [cancel(terminal, key) for _ in range(CANCELS)]
                for name, key in (("c", "c"), ("Esc", "\x1b"))
            }
            terminal.press("r")
            terminal.wait("等待中")
            before = processor()
            busy = times(terminal, keys)
            at_work, all_time = (b - a for a, b in zip(before, processor(), strict=True))
            terminal.press("\x1b")
            terminal.wait("○ 命题 0  已取消")
            after = times(terminal, keys)
        finally:
            terminal.close()
    print(f"while the proof ran, {at_work / all_time:.0%} of all cores were at work")
    for name, found in cancels.items():
        shown = f"{statistics.median(found):.1f} ms, at most {max(found):.1f} ms"
        print(f"{name}, until the proof is shown as cancelled: {shown}")
    base = statistics.median(idle + after)
    for name, found in (("idle", idle), ("proof", busy), ("after", after)):
        middle = statistics.median(found)
        low, _, high = statistics.quantiles(found, n=4)
        print(f"{name:<6}{middle:6.1f} ms ({low:5.1f} … {high:5.1f})   x {middle / base:4.2f}")


def cancel(terminal: Terminal, key: str) -> float:
    """Milliseconds from the key in the midst of a proof until the claims say that it has ended."""
    terminal.press("r")
    terminal.wait("等待中")
    terminal.press(key)
    return terminal.wait("○ 命题 0  已取消")


def processor() -> tuple[int, int]:
    """Ticks of all cores so far: at work, and in all (Linux)."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    ticks = [int(field) for field in fields]
    idle = ticks[3] + ticks[4]  # idle, iowait: proc(5)
    return sum(ticks) - idle, sum(ticks)


def times(terminal: Terminal, keys: int) -> list[float]:
    found = []
    for _ in range(keys // 2):
        for key, text in (("\x1b[F", "最后一行"), ("\x1b[H", "一句话")):
            terminal.press(key, pause=0.1)
            found.append(terminal.wait(text))
    return found


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
