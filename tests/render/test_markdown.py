"""Markdown as a reader sees it."""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizdl.render import Span, inline, layout, plain, problems
from quizdl.render.text import Line, width_of


def shown(markdown: str, width: int = 40, **marks: str) -> str:
    return plain(layout(markdown, width, marks))


def spans(markdown: str, width: int = 60) -> list[Span]:
    return [span for line in layout(markdown, width) for span in line]


def test_one_clause_per_line_is_joined_without_spaces() -> None:
    assert shown("不行：\n同层神经元\n梯度 $g$\n相同，\nAdam\nalso。") == (
        "不行：同层神经元梯度 g 相同，Adam also。"
    )


def test_hard_line_breaks_stay() -> None:
    assert shown("一  \n二\\\n三") == "一\n二\n三"


def test_headings() -> None:
    markdown = "# 一\n文\n## 二\n### 三"
    assert shown(markdown) == "▌ 一\n\n文\n\n▌ 二\n\n三"
    styles = [span.style for span in spans(markdown) if span.text.strip()]
    assert styles == ["heading", "heading", "", "heading2", "heading2", "heading3"]


def test_lists_hang() -> None:
    markdown = (
        "- 一二三四五六七八九十\n  - 内层\n    - 最里\n- 乙\n\n文\n\n"
        "9. 九\n10. 十，再长一些也要缩进"
    )
    assert shown(markdown, 16) == (
        "• 一二三四五六七\n  八九十\n  ◦ 内层\n    ▪ 最里\n• 乙\n\n文\n\n"
        " 9. 九\n10. 十，再长一些\n    也要缩进"
    )


def test_loose_lists_are_set_loosely() -> None:
    assert shown("- 一\n\n- 二") == "• 一\n\n• 二"


def test_quotes() -> None:
    assert shown("> 一二三四五六\n>\n> - 七", 12) == "│ 一二三四五\n│ 六\n│\n│ • 七"


def test_rule_and_escapes() -> None:
    assert shown("a\n\n***\n\n\\*b\\* &amp; <b>", 10) == "a\n\n──────────\n\n*b* & <b>"


def test_emphasis_code_and_verdicts_have_styles() -> None:
    found = {span.text: span.style for span in spans("*斜* **粗** `码` ~~删~~ **错误** $x$")}
    assert found["斜"] == "em"
    assert found["粗"] == "strong"
    assert found["码"] == "code"
    assert found["删"] == "strike"
    assert found["错误"] == "strong verdict.false"
    assert found["x"] == "math"
    verdicts = [
        span.style for span in spans("**成立** **有条件成立** **不准确**") if span.text.strip()
    ]
    assert verdicts == [f"strong verdict.{name}" for name in ("true", "part", "loose")]


def test_claims_carry_their_link_and_mark() -> None:
    markdown = "前[梯度*相同*](demo.py#same)，后[别的](./demo.py#other)"
    lines = layout(markdown, 40, {"same": "✓ "})
    assert plain(lines) == "前✓ 梯度相同，后别的"
    assert [span.link for span in lines[0] if span.link] == ["demo.py#same"] * 3 + ["demo.py#other"]
    assert Span("✓ ", "mark", "demo.py#same") in lines[0]
    assert Span("梯度", "claim", "demo.py#same") in lines[0]


def test_other_links_show_their_address_once() -> None:
    assert shown("[论文](https://a.org/1)") == "论文 (https://a.org/1)"
    assert shown("<https://a.org/1>") == "https://a.org/1"
    assert shown("[另一题](../adam/question.md)") == "另一题 → adam"
    assert shown("见[另一题](../adam/question.md)里量过") == "见另一题 → adam 里量过"
    assert shown("见[另一题](../adam/question.md)，不再说") == "见另一题 → adam，不再说"
    assert shown("[Adam](../adam/question.md)") == "Adam"
    assert Span(" (https://a.org/1)", "muted", "https://a.org/1") in spans("[论](https://a.org/1)")


def test_images_are_named() -> None:
    assert shown("![损失曲线](x.png)") == "〔图：损失曲线〕"


def test_a_display_in_a_paragraph_stands_alone() -> None:
    assert shown("于是\n$$\n\\frac{a}{b}\n$$\n其中 $b>0$。") == (
        "于是\n\n  a\n  ─\n  b\n\n其中 b > 0。"
    )


def test_formula_in_a_list() -> None:
    assert shown("1. 甲\n\n   $$x=\\frac12$$\n\n2. 乙") == (
        "1. 甲\n\n         1\n     x = ─\n         2\n\n2. 乙"
    )


def test_a_formula_that_cannot_be_read_is_shown_as_source() -> None:
    assert Span("$\\foo$", "code") in spans("见 $\\foo$。")
    assert shown("$$\n\\foo\n$$") == "  \\foo"


def test_code_is_coloured_and_long_lines_are_continued() -> None:
    markdown = "```python\ndef f(x):\n    return aaaaaaaa + bbbbbbbb + cccccccc\n```"
    assert shown(markdown, 28) == (
        "  def f(x):\n      return aaaaaaaa +\n      ↳ bbbbbbbb + cccccccc"
    )
    found = {span.text: span.style for span in spans(markdown)}
    assert found["def"] == "code code.keyword"
    assert found["f"] == "code code.function"


def test_code_in_an_unknown_language_is_plain() -> None:
    assert shown("```nolang\na\tb\n\n  c\n```") == "  a   b\n\n    c"


def test_tables() -> None:
    markdown = "| 方法 | 值 |\n|:--|--:|\n| **SGD** | $x^2$ |\n| 动量 | 10 |"
    assert shown(markdown) == "方法 │ 值\n─────┼───\nSGD  │ x²\n动量 │ 10"


def test_inline() -> None:
    assert inline("梯度 $g$\n**相同**") == (
        Span("梯度 "),
        Span("g", "math"),
        Span(" "),
        Span("相同", "strong"),
    )


def test_problems_name_line_formula_and_reason() -> None:
    markdown = (
        "好 $x^2$\n第二行 $\\foo$\n\n## 标题 \\alpha\n\n$$\n\\frac{a}\n$$\n\n"
        "- 一\n- 二 $ x $ 三\n\n"
        "`\\code` \\$5 与 \\$6"
    )
    found = problems(markdown)
    assert [(line, latex) for line, latex, _ in found] == [
        (2, "\\foo"),
        (4, "\\alpha"),
        (6, "\\frac{a}"),
        (11, "$ x $"),
    ]
    assert "\\foo" in found[0][2]


ANSWER = """## 一句话
Adam 用一阶矩定方向、二阶矩定步长，
[再用偏差修正抵消零初始化](demo.py#bias)。

## 要点
- **一阶矩** $m_t=\\beta_1 m_{t-1}+(1-\\beta_1)g_t$ 是指数滑动平均，
  默认 $\\beta_1=0.9$。
- 稀疏特征的 $\\sqrt{\\hat v_t}$ 很小，因此步长更大，见 [论文](https://arxiv.org/abs/1412.6980)。

$$
\\theta_{t+1}=\\theta_t-\\eta\\,\\frac{\\hat m_t}{\\sqrt{\\hat v_t}+\\epsilon}
$$

| 方法 | 更新 |
|:-----|:-----|
| SGD | $\\theta-\\eta g$ |

```python
theta -= lr * m_hat / (np.sqrt(v_hat) + eps)
```
> 「Adam 总是更好。」——**错误**。
"""


def test_a_long_answer_is_laid_out_again_in_a_few_milliseconds() -> None:
    answer = ANSWER * 8
    layout(answer, 78)
    best = min(_seconds(answer, width) for width in (60, 61, 62, 63, 64))
    assert len(layout(answer, 78)) > 150
    assert best < 0.05  # 2-3 ms on the machine this was written on


def _seconds(answer: str, width: int) -> float:
    started = time.perf_counter()
    layout(answer, width, {"bias": "✓ "})
    return time.perf_counter() - started


INLINE = [
    *("[链接](demo.py#fn)", "[网](https://a.bc/d)", "![图](x)", "`np.exp(x)`", "**粗**", "~~"),
    *("$x^2$", "$\\foo$", "$", "\\", "|", "<b>", "中文", "word ", "。", "——", "，", "（", "）"),
    *("longlonglonglonglonglonglonglongword", "👩\u200d💻", "é", "\x1b[31m", "\t"),
]
BLOCKS = [
    *("# ", "- ", "1. ", "> ", "\n", "\n\n", "    ", "***\n", "```python\n"),
    *("| a | b |\n|--|--|\n", "$$\n\\sum_i x_i\n$$\n"),
]
PIECES = st.sampled_from(INLINE + BLOCKS)


@settings(deadline=None)
@given(st.lists(PIECES, min_size=5, max_size=40).map("".join), st.integers(20, 120))
def test_any_markdown_fits(markdown: str, width: int) -> None:
    for line in layout(markdown, width, {"fn": "✓ "}):
        assert width_of(line) <= width
        assert _clean(line)
    problems(markdown)


def _clean(line: Line) -> bool:
    return all(char.isprintable() or char in "\u200d\u200b" for span in line for char in span.text)


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(1, 30))
def test_any_text_is_markdown(text: str, width: int) -> None:
    layout(text, width)
    problems(text)


@pytest.mark.parametrize("heavy", ["markdown_it", "latex2mathml", "pygments", "rich", "textual"])
def test_importing_the_room_is_light(heavy: str) -> None:
    code = f"import sys, quizdl.render, quizdl.render.text; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
