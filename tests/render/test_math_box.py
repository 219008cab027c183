"""Displayed formulas, exactly as a reader sees them (each drawing was judged by eye)."""

import unicodedata

import pytest

from quizdl.render.box import math_block, math_box
from quizdl.render.cells import cells
from quizdl.render.formula import MathError

DRAWINGS = {
    "softmax": (
        r"\mathrm{softmax}(z)_i=\frac{e^{z_i}}{\sum_{j=1}^{K}e^{z_j}}",
        """
                  zᵢ
                 e
softmax(z)ᵢ = ─────────
                     zⱼ
              ∑ⱼ₌₁ᴷ e
""",
    ),
    "adam": (
        r"\theta_{t+1}=\theta_t-\eta\,\frac{\hat m_t}{\sqrt{\hat v_t}+\epsilon},"
        r"\quad \hat m_t=\frac{m_t}{1-\beta_1^t}",
        """
                m̂ₜ             mₜ
θₜ₊₁ = θₜ − η ───────,  m̂ₜ = ───────
              √v̂ₜ + ε        1 − β₁ᵗ
""",
    ),
    "xavier": (
        r"\operatorname{Var}(W)=\frac{2}{n_{in}+n_{out}}",
        """
             2
Var(W) = ──────────
         nᵢₙ + nₒᵤₜ
""",
    ),
    "xavier bound": (
        r"a=\sqrt{\frac{6}{n_{in}+n_{out}}}",
        """
     ┌───────────
     │     6
a =  │ ──────────
    ╲│ nᵢₙ + nₒᵤₜ
""",
    ),
    "batch norm": (
        r"y=\gamma\frac{x-\mu_B}{\sqrt{\sigma_B^2+\epsilon}}+\beta",
        """
       x − μ
            B
y = γ ──────── + β
       ┌──────
       │σ² + ε
      ╲│ B
""",
    ),
    "cross entropy": (
        r"L=-\frac1N\sum_{n=1}^{N}\sum_{k}y_{nk}\log p_{nk}",
        """
      1  N
L = − ─  ∑  ∑ yₙₖ log pₙₖ
      N n=1 k
""",
    ),
    "relu": (
        r"\mathrm{ReLU}(x)=\max(0,x)=\begin{cases}x & x>0\\0 & x\le0\end{cases}",
        """
                      ╭ x  x > 0
ReLU(x) = max(0, x) = ┤
                      ╰ 0  x ≤ 0
""",
    ),
    "elu in Chinese": (
        r"f(x)=\begin{cases} x, & \text{若 } x>0 \\ \alpha(e^{x}-1), & \text{否则} \end{cases}",
        """
       ╭ x,          若 x > 0
f(x) = ┤
       ╰ α(eˣ − 1),  否则
""",
    ),
    "three cases": (
        r"\left\{\begin{aligned} a&=1\\ b&=2\\c&=3\end{aligned}\right.",
        """
╭ a = 1
┤ b = 2
╰ c = 3
""",
    ),
    "chain rule": (
        r"\frac{\partial L}{\partial W_1}=\frac{\partial L}{\partial a_2}"
        r"\frac{\partial a_2}{\partial z_2}\frac{\partial z_2}{\partial W_1}",
        """
∂L    ∂L  ∂a₂ ∂z₂
─── = ─── ─── ───
∂W₁   ∂a₂ ∂z₂ ∂W₁
""",
    ),
    "product": (
        r"\frac{\partial L}{\partial h_1}=\frac{\partial L}{\partial h_t}"
        r"\prod_{k=2}^{t}\frac{\partial h_k}{\partial h_{k-1}}",
        """
∂L    ∂L   t   ∂hₖ
─── = ───  ∏  ─────
∂h₁   ∂hₜ k=2 ∂hₖ₋₁
""",
    ),
    "aligned": (
        r"\begin{aligned}m_t&=\beta_1 m_{t-1}+(1-\beta_1)g_t\\&+0\\v_t&=\frac{a}{b}\end{aligned}",
        """
mₜ = β₁mₜ₋₁ + (1 − β₁)gₜ

   + 0

     a
vₜ = ─
     b
""",
    ),
    "matrix": (
        r"A=\begin{bmatrix}1&2&3\\4&5&6\\7&8&9\end{bmatrix}x+\begin{pmatrix}a\\b\end{pmatrix}",
        """
    ┌ 1  2  3 ┐
A = │ 4  5  6 │ x + ╭ a ╮
    └ 7  8  9 ┘     ╰ b ╯
""",
    ),
    "jacobian": (
        r"J=\begin{pmatrix}\frac{\partial f_1}{\partial x_1}&\cdots\\\vdots&\ddots\end{pmatrix}",
        """
    ╭ ∂f₁    ╮
    │ ───  ⋯ │
J = │ ∂x₁    │
    │        │
    ╰  ⋮   ⋱ ╯
""",
    ),
    "stretched": (
        r"\left(\frac{a}{b}\right)^2+\left\lVert\frac{x}{y}\right\rVert_2^2+\left.\frac{df}{dx}\right|_{x=0}",
        """
╭ a ╮²   ║ x ║²   df │
│ ─ │  + ║ ─ ║  + ── │
╰ b ╯    ║ y ║₂   dx │ₓ₌₀
""",
    ),
    "attention": (
        r"\mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt{d_k}}\right)V",
        """
       ╭ QKᵀ ╮
softmax│ ─── │ V
       ╰ √dₖ ╯
""",
    ),
    "scripts": (
        r"x_i^2+x^{(l+1)}_{i,j}+W_Q^{\top}+e^{-x^2/2}",
        """
       (l+1)         −x²/2
xᵢ² + x      + Wᵀ + e
       i,j      Q
""",
    ),
    "limits": (
        r"\hat\theta=\operatorname*{argmax}_{\theta\in\Theta}\max_{x}\lim_{n\to\infty}\sum_{i}a_i",
        """
θ̂ = argmax max lim ∑ aᵢ
     θ∈Θ    x  n→∞ i
""",
    ),
    "integral": (
        r"\int_0^1 f(x)\,dx=\int_{-\infty}^{\infty}g",
        """
               ∞
∫₀¹ f(x) dx = ∫   g
               −∞
""",
    ),
    "braces": (
        r"\underbrace{a+b+c}_{n\text{ 项}}=\overbrace{x+y}^{k}",
        """
              k
            ╭─┴─╮
a + b + c = x + y
╰───┬───╯
  n 项
""",
    ),
    "roots": (
        r"\sqrt[3]{x+1}+\sqrt[n]{\frac{a}{b}}+\sqrt{2}",
        """
           ┌──
  _____    │ a
³√x + 1 + ⁿ│ ─ + √2
          ╲│ b
""",
    ),
    "nested fractions": (
        r"\frac{1}{1+\frac{1}{1+\frac{1}{x}}}",
        """
      1
─────────────
        1
 1 + ───────
          1
      1 + ─
          x
""",
    ),
    "binomial": (
        r"\binom{n}{k}p^k(1-p)^{n-k}",
        """
╭ n ╮ pᵏ(1 − p)ⁿ⁻ᵏ
╰ k ╯
""",
    ),
    "Chinese": (
        r"\text{准确率}=\frac{\text{预测正确的样本数}}{\text{总样本数}}",
        """
         预测正确的样本数
准确率 = ────────────────
             总样本数
""",
    ),
    "tag": (
        r"a=b \tag{1}",
        """
a = b    (1)
""",
    ),
    "rows": (
        r"a=b \\ cc=d",
        """
a = b
cc = d
""",
    ),
    "overline": (
        r"\overline{x+y}+\bar\alpha_t",
        """
_____
x + y + ᾱₜ
""",
    ),
    "substack": (
        r"\sum_{\substack{i=1\\i\ne j}}^n a_{ij}",
        """
  n
  ∑   aᵢⱼ
i = 1
i ≠ j
""",
    ),
}


@pytest.mark.parametrize(("latex", "drawing"), DRAWINGS.values(), ids=DRAWINGS.keys())
def test_drawing(latex: str, drawing: str) -> None:
    assert "\n".join(math_block(latex, 78)) == drawing.strip("\n")


@pytest.mark.parametrize("latex", [latex for latex, _ in DRAWINGS.values()], ids=DRAWINGS.keys())
def test_boxes_are_rectangles_with_a_baseline(latex: str) -> None:
    box = math_box(latex)
    assert {cells(line) for line in box.lines} == {box.width}
    assert 0 <= box.baseline < box.height


@pytest.mark.parametrize("width", [12, 20, 30, 45])
@pytest.mark.parametrize("latex", [latex for latex, _ in DRAWINGS.values()], ids=DRAWINGS.keys())
def test_a_wide_formula_goes_on_below_and_loses_nothing(latex: str, width: int) -> None:
    lines = math_block(latex, width)
    assert all(cells(line) <= width for line in lines)
    letters = _letters(math_block(latex, 200))
    assert letters - _letters(lines) == set()


def _letters(lines: tuple[str, ...]) -> set[str]:
    """All but lines and brackets; small letters count as the letters they are."""
    return set(unicodedata.normalize("NFKC", "".join(lines))) - set("─│║╭╮╰╯┌┐└┘┬┴╲┤├_ ")


def test_formulas_set_apart_break_between_them() -> None:
    latex = r"p=\frac{a}{b},\qquad L=-\sum_i y_i\log p_i,\qquad \frac{c}{d}=p"
    assert math_block(latex, 30) == (
        "    a",
        "p = ─,  L = −∑ yᵢ log pᵢ,",
        "    b        i",
        "",
        "c",
        "─ = p",
        "d",
    )


def test_a_chain_breaks_before_its_relations() -> None:
    assert math_block(r"f(x)=aaaa+bbbb=cccc+dddd", 20) == (
        "f(x) = aaaa + bbbb",
        "    = cccc + dddd",
    )


def test_without_relations_a_sum_breaks_before_its_operators() -> None:
    assert math_block(r"aaaa+bbbb+cccc+dddd", 14) == ("aaaa + bbbb", "    + cccc", "    + dddd")


def test_what_cannot_be_broken_is_written_as_text() -> None:
    latex = r"U\left[-\sqrt{\frac{6}{n_{in}+n_{out}}},\sqrt{\frac{6}{n_{in}+n_{out}}}\right]"
    assert math_block(latex, 28) == ("U[−√(6/(nᵢₙ + nₒᵤₜ)),", "  √(6/(nᵢₙ + nₒᵤₜ))]")


def test_an_unknown_command_is_an_error() -> None:
    with pytest.raises(MathError, match=r"\\foo"):
        math_box(r"\foo{x}")
