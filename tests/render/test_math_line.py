"""Formulas on one line: exact, unambiguous, nothing of the LaTeX left over."""

import pytest

from quizdl.render.formula import MathError
from quizdl.render.linear import math_line

LINES = [
    # the field's everyday formulas
    (r"\sigma'(x)=\sigma(x)(1-\sigma(x))", "σ′(x) = σ(x)(1 − σ(x))"),
    (r"W \leftarrow W-\eta\nabla L", "W ← W − η∇L"),
    (r"\partial L/\partial W", "∂L/∂W"),
    (r"\frac{\partial L}{\partial W}", "∂L/∂W"),
    (r"\frac{\partial^2 f}{\partial x^2}", "∂²f/∂x²"),
    (
        r"\theta_{t+1}=\theta_t-\eta\frac{\hat m_t}{\sqrt{\hat v_t}+\epsilon}",
        "θₜ₊₁ = θₜ − η·m̂ₜ/(√v̂ₜ + ε)",
    ),
    (
        r"\mathrm{softmax}(z)_i=\frac{e^{z_i}}{\sum_{j=1}^{K}e^{z_j}}",
        "softmax(z)ᵢ = e^(zᵢ)/(∑ⱼ₌₁ᴷ e^(zⱼ))",
    ),
    (
        r"\mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V",
        "softmax(QKᵀ/√dₖ)V",
    ),
    (r"L=-\sum_{i} y_i\log p_i", "L = −∑ᵢ yᵢ log pᵢ"),
    (r"\operatorname{Var}(W)=\frac{2}{n_{in}+n_{out}}", "Var(W) = 2/(nᵢₙ + nₒᵤₜ)"),
    (
        r"\mathrm{KL}(p\,\|\,q)=\sum_x p(x)\log\frac{p(x)}{q(x)}",
        "KL(p ‖ q) = ∑ₓ p(x) log(p(x)/q(x))",
    ),
    (r"\mathbb{E}_{x\sim p}[f(x)]", "𝔼_(x∼p)[f(x)]"),
    (r"p(y|x)=\frac{p(x|y)p(y)}{p(x)}", "p(y|x) = p(x|y)p(y)/p(x)"),
    (r"P(A\mid B)", "P(A | B)"),
    (r"\theta^*=\arg\max_\theta \log p(x;\theta)", "θ* = argmax_θ log p(x; θ)"),
    (
        r"f(x)=\begin{cases} x, & x>0 \\ \alpha(e^x-1), & x\le 0 \end{cases}",
        "f(x) = {x, x > 0; α(eˣ − 1), x ≤ 0}",
    ),
    (r"y=\begin{bmatrix}1&2\\3&4\end{bmatrix}x", "y = [1, 2; 3, 4]x"),
    # a fraction keeps its reach
    (r"\frac{a}{b}\frac{c}{d}", "(a/b)(c/d)"),
    (r"\frac{a}{b}\cdot\frac{c}{d}", "a/b · c/d"),
    (r"\frac{\frac{a}{b}}{\frac{c}{d}}", "(a/b)/(c/d)"),
    (r"\frac{a/b}{c}", "(a/b)/c"),
    (r"\frac{1}{2}mv^2", "(1/2)mv²"),
    (r"\frac{1}{2n}", "1/(2n)"),
    (r"\frac1n\sum_i x_i", "(1/n) ∑ᵢ xᵢ"),
    (r"\sum_i\frac{a_i}{b}", "∑ᵢ (aᵢ/b)"),
    (r"\frac{\log x}{n}", "(log x)/n"),
    (r"\frac{-x}{y}", "−x/y"),
    (r"\frac{a-b}{\sqrt{\sigma^2+\epsilon}}", "(a − b)/√(σ² + ε)"),
    (r"\left(\frac{a}{b}\right)^2", "(a/b)²"),
    (r"\frac{\text{d}y}{\mathrm{d}x}", "dy/dx"),
    # roots, accents, scripts
    (r"\sqrt{x+1}", "√(x + 1)"),
    (r"\sqrt2 x", "√(2)x"),
    (r"\sqrt[3]{x+1}", "³√(x + 1)"),
    (r"\hat{v}_t, \bar x, \tilde{x}, \dot x, \vec v", "v̂ₜ, x̄, x̃, ẋ, v⃗"),
    (r"x_i^2, x'_i, x^{(l)}_j", "xᵢ², x′ᵢ, xⱼ⁽ˡ⁾"),
    (r"x^{(l+1)}", "x⁽ˡ⁺¹⁾"),
    (r"e^{-\frac{x^2}{2\sigma^2}}", "e^(−x²/(2σ²))"),
    (r"W_Q, d_{\text{model}}, x_{i,j}", "W_Q, d_model, x_(i,j)"),
    (r"\nabla_\theta J(\theta)", "∇_θ J(θ)"),
    (r"A^{T-1}, A^T, A^{-1}", "A^(T−1), Aᵀ, A⁻¹"),
    (r"{a+b}^2, {x^a}^b", "(a + b)², (xᵃ)ᵇ"),
    (r"\mathbb{R}^{n\times d}", "ℝ^(n×d)"),
    # signs and brackets
    (r"a\odot b\times c\circ d\approx e\propto f\ne g\in h", "a ⊙ b × c ∘ d ≈ e ∝ f ≠ g ∈ h"),
    (r"\|w\|_2^2 + |x| - |{-y}|", "‖w‖₂² + |x| − |−y|"),
    (r"\lVert x\rVert_p", "‖x‖ₚ"),
    (r"x \in [0,1) \cup \{2\}", "x ∈ [0, 1) ∪ {2}"),
    (r"-x+(-y)", "−x + (−y)"),
    (r"\max_{\theta} L(\theta)", "max_θ L(θ)"),
    (r"\lim_{x\to 0} x=\infty", "lim_(x→0) x = ∞"),
    (r"\int_0^1 f(x)\,dx", "∫₀¹ f(x) dx"),
    (r"\binom{n}{k}", "(n; k)"),
    (r"x_1,\ldots,x_n; y_1+\cdots+y_n", "x₁, …, xₙ; y₁ + ⋯ + yₙ"),
    (r"\mathbf{W}\mathbf{x}+\boldsymbol\mu", "𝐖𝐱 + 𝛍"),
    (r"\mathcal{N}(0,\sigma^2)\quad\mathcal O(n\log n)", "𝒩(0, σ²)  𝒪(n log n)"),
    (r"\mathbb{1}[x>0], 1{,}000, 50\%", "𝟙[x > 0], 1,000, 50%"),
    (r"\text{若 $x$ 为正}", "若 x 为正"),
    (r"x := y \ll z", "x := y ≪ z"),
    (r"\operatorname{arg\,max}_x f, \log\mathrm{KL}", "argmaxₓ f, log KL"),
]


@pytest.mark.parametrize(("latex", "line"), LINES, ids=[latex for latex, _ in LINES])
def test_line(latex: str, line: str) -> None:
    assert math_line(latex) == line


@pytest.mark.parametrize(
    ("latex", "said"),
    [
        (r"\foo x", r"\foo"),
        (r"x + \begin{tikzcd} a \end{tikzcd}", "tikzcd"),
        (r"\frac{a}", "不完整"),
        (r"x}", "花括号"),
        (r"{x", "花括号"),
        (r"a & b", "&"),
        (r"\left( a", "不完整"),
        (r"x_i_j", "不完整"),
        (r"\cancel{x}", "画不出"),
        ("", "空"),
        (r"\\", "空"),
        ("x\x1b[31m", "\\x1b"),
        ("{" * 3000 + "x" + "}" * 3000, ""),
    ],
)
def test_what_cannot_be_shown_is_an_error(latex: str, said: str) -> None:
    with pytest.raises(MathError) as error:
        math_line(latex)
    assert said in str(error.value)
    assert error.value.latex == latex
