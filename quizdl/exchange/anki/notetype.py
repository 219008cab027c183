"""Our note type: its fields, its one card, how that looks on a phone by day and by night.

The ids never change: by them Anki knows a second import from a first.
"""

from __future__ import annotations

from typing import Any

from quizdl.words import in_chinese

MODEL_ID = 1732320000001
GUID = "quizdl:"
"""What the guid of a note begins with; the first id its question ever had follows."""
TABLE = "table:"
"""What follows it first when the note was a line of a table: such notes are not those of a
package, whose fields a line would overwrite."""
FIELDS = (
    "question",
    "about",
    "short",
    "points",
    "proofs",
    "figures",
    "reasons",
    "followups",
    "code",
    "source",
    "remark",
    "id",
)
"""Keys of their names, `anki.field.*`. Adding one changes the schema: Anki then wants to merge."""
REMARK = FIELDS.index("remark")
"""The learner's own; nothing of ours is ever written there."""

_FRONT = """\
<div class="quizdl">
<p class="about">{{%(about)s}}</p><div class="question">{{%(question)s}}</div>
</div>
"""
_BACK = """\
{{FrontSide}}<hr id="answer">
<div class="quizdl">
<div class="short">{{%(short)s}}</div>
<h2>%(points)s</h2>{{%(points)s}}
{{#%(proofs)s}}<details open><summary>%(proofs)s</summary>{{%(proofs)s}}</details>{{/%(proofs)s}}
{{#%(figures)s}}<details><summary>%(figures)s</summary>{{%(figures)s}}</details>{{/%(figures)s}}
<details><summary>%(reasons)s</summary>{{%(reasons)s}}</details>
<details><summary>%(followups)s</summary>{{%(followups)s}}</details>
<details><summary>%(code)s</summary>{{%(code)s}}</details>
<details><summary>%(source)s</summary>{{%(source)s}}</details>
{{#%(remark)s}}<div class="remark"><h2>%(remark)s</h2>{{%(remark)s}}</div>{{/%(remark)s}}
</div>
"""
_STYLE = """\
.card { font: 17px/1.65 -apple-system, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei",
  sans-serif; text-align: left; color: #1f2328; background: #fff; padding: 0 4px; }
.quizdl { max-width: 44em; margin: 0 auto; overflow-wrap: break-word; }
.question { font-size: 1.25em; font-weight: 600; line-height: 1.45; }
.question p { margin: .3em 0; }
.about { color: #59636e; font-size: .82em; margin: .2em 0; }
.short { font-size: 1.05em; border-left: 4px solid #2b7bba; padding-left: .8em; }
h2 { font-size: 1em; margin: 1.1em 0 .4em; }
ul, ol { padding-left: 1.3em; margin: .4em 0; }
li { margin: .3em 0; }
details { border-top: 1px solid #d1d9e0; padding: .5em 0; }
summary { font-weight: 600; cursor: pointer; }
table { border-collapse: collapse; font-size: .85em; width: 100%; margin: .3em 0; }
th, td { text-align: left; padding: .15em .5em .15em 0; border-bottom: 1px solid #e4e8ec;
  vertical-align: top; }
th { font-weight: normal; color: #59636e; }
td.bound, td.value, td.control { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.value { color: #0a6b4d; } td.control { color: #a04b00; }
.claim { margin: .8em 0 .2em; } .footing { color: #59636e; font-size: .8em; margin: .1em 0; }
pre { font: .8em/1.5 ui-monospace, Menlo, Consolas, monospace; background: #f4f6f8;
  padding: .6em; overflow-x: auto; border-radius: 6px; white-space: pre; }
.keyword { color: #a6266e; } .comment { color: #6a737d; } .string { color: #0a5ca8; }
.number { color: #8a4b00; } .function { color: #5b3cc4; } .builtin { color: #0a6b4d; }
.formula { overflow-x: auto; }
img { max-width: 100%; }
.remark { border: 1px dashed #9aa4af; border-radius: 6px; padding: 0 .8em; margin: .8em 0; }
.nightMode.card, .nightMode .card { color: #e6edf3; background: #16191d; }
.nightMode .about, .nightMode th, .nightMode .footing { color: #9aa7b4; }
.nightMode details { border-color: #30373f; }
.nightMode th, .nightMode td { border-color: #272d34; }
.nightMode pre { background: #20252b; }
.nightMode td.value { color: #57c79b; } .nightMode td.control { color: #eba05c; }
.nightMode .keyword { color: #f08cc0; } .nightMode .comment { color: #8b97a3; }
.nightMode .string { color: #7fc1ff; } .nightMode .number { color: #e3b26b; }
.nightMode .function { color: #b9a5ff; } .nightMode .builtin { color: #6fd0a8; }
.nightMode img { filter: invert(1) hue-rotate(180deg); }
"""


def names() -> dict[str, str]:
    """Of the fields, as they are seen in Anki."""
    return {key: in_chinese(f"anki.field.{key}") for key in FIELDS}


def model(changed: int, deck: int) -> dict[str, Any]:
    """The note type as Anki's schema 11 holds it. `changed`: when, in seconds since 1970."""
    named = names()
    return {
        "id": MODEL_ID,
        "name": in_chinese("anki.notetype"),
        "type": 0,
        "mod": changed,
        "usn": -1,
        "sortf": 0,
        "did": deck,
        "flds": [_field(number, named[key]) for number, key in enumerate(FIELDS)],
        "tmpls": [
            {
                "name": in_chinese("anki.card"),
                "ord": 0,
                "qfmt": _FRONT % named,
                "afmt": _BACK % named,
                "bqfmt": "",
                "bafmt": "",
                "did": None,
                "bfont": "",
                "bsize": 0,
            }
        ],
        "css": _STYLE,
        "latexPre": "",
        "latexPost": "",
        "latexsvg": False,
        "req": [[0, "any", [0, 1]]],
        "tags": [],
        "vers": [],
    }


def _field(number: int, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "ord": number,
        "sticky": False,
        "rtl": False,
        "font": "Arial",
        "size": 20,
        "media": [],
        "plainText": False,
        "collapsed": number > 0,
        "excludeFromSearch": False,
        "description": "",
    }
