"""Markdown as HTML: our rules for text, code, links and formulas."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from quizdl.bank import find_bank, load
from quizdl.render.browser import mathml as math_element
from quizdl.render.formula import MathError
from quizdl.render.html import code_html, inline_html, markdown_html, mathjax, mathml


def written(markdown: str) -> str:
    return markdown_html(markdown, mathjax, lambda target: None).strip()


def test_lines_of_chinese_are_joined_without_a_gap() -> None:
    assert written("一行一个分句，\n显示时接起来") == "<p>一行一个分句，显示时接起来</p>"
    assert written("用\n**加粗**\n的词") == "<p>用<strong>加粗</strong>的词</p>"
    assert written("two\nwords") == "<p>two\nwords</p>"


def test_text_is_escaped() -> None:
    assert written("<b>&amp; a < b") == "<p>&lt;b&gt;&amp; a &lt; b</p>"
    assert "<script" not in written("<script>alert(1)</script>\n\n`<script>`")


def test_links_lead_where_the_caller_says() -> None:
    def to(target: str) -> str | None:
        return "#here" if target.startswith("../") else None

    text = "[一](../adam/question.md)和[二](demo.py#x)，[三](../sgd/question.md)"
    made = inline_html(text, mathjax, to)
    assert made == '<a href="#here">一</a>和二，<a href="#here">三</a>'
    quoted = inline_html("[一](../a)", mathjax, lambda target: '"><script>')
    assert quoted == '<a href="&quot;&gt;&lt;script&gt;">一</a>'


def test_code_is_coloured_by_class() -> None:
    made = code_html('def f(x):\n    return x < 2  # "小于"\n', "python")
    assert '<span class="keyword">def</span> <span class="function">f</span>(x):\n' in made
    assert 'x &lt; <span class="number">2</span>' in made
    assert '<span class="comment"># "小于"</span>' in made
    assert (
        code_html("a < b", "no-such-language") == '<pre class="code"><code>a &lt; b</code></pre>\n'
    )


def test_formulas_for_mathjax_keep_their_source() -> None:
    assert written("$a<b$") == r"<p>\(a&lt;b\)</p>"
    assert written("$$\na < b\n$$") == '<div class="formula">\\[a &lt; b\\]</div>'


def element(latex: str, *, display: bool = True) -> ElementTree.Element:
    return ElementTree.fromstring(math_element(latex, display))


def test_a_name_is_one_element_and_upright() -> None:
    (name,) = [mi for mi in element(r"\mathrm{Var}(w)").iter("mi") if mi.text == "Var"]
    assert name.attrib == {}, "MathML Core sets a name of several letters upright by itself"
    assert [mi.text for mi in element(r"x^{\mathrm{T}}").iter("mi")] == ["x", "T"]


def test_alphabets_are_letters_of_their_own() -> None:
    texts = [
        each.text for each in element(r"\mathbb{E}[\mathcal{L}] + \mathbf{1}").iter() if each.text
    ]
    assert {"𝔼", "ℒ", "𝟏"} <= set(texts)
    assert "mathvariant" not in math_element(r"\mathbb{E}\mathbf{1}", True)


def test_limits_stand_below_in_display_only() -> None:
    assert element(r"\min_{t<T} x").find(".//munder") is not None
    assert element(r"\min_{t<T} x", display=False).find(".//munder") is None
    assert element(r"\sum_{i=1}^n x_i").find(".//munderover") is not None


def test_the_source_goes_with_the_formula() -> None:
    (source,) = element(r"\frac{a}{b}").iter("annotation")
    assert source.text == r"\frac{a}{b}"


def test_what_cannot_be_read_is_shown_as_code() -> None:
    with pytest.raises(MathError):
        math_element(r"\unknown{x}", True)
    assert mathml(r"\unknown{x<y}", True) == r"<code>\unknown{x&lt;y}</code>"


def test_every_formula_of_the_bank_becomes_mathml() -> None:
    formulas = 0
    for question in load(find_bank()).questions:
        made = markdown_html(question.back, mathml, lambda target: None)
        shown = re.sub(
            r"<annotation.*?</annotation>|<pre.*?</pre>|<code>.*?</code>", "", made, flags=re.S
        )
        assert "\\" not in shown, question.id
        assert "&amp;#" not in shown, question.id
        for math in re.findall(r"<math.*?</math>", made, flags=re.DOTALL):
            ElementTree.fromstring(math)
            formulas += 1
    assert formulas > 2500
