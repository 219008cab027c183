"""click's own sentences in Chinese. click asks gettext; this answers instead of a catalogue."""

import gettext
import re

from quizdl.words import language

TEXT = {
    "Options": "选项",
    "Commands": "命令",
    "Show this message and exit.": "显示这份说明。",
    "No such option: {name}": "没有选项 {name}",
    "No such option {name!r}.": "没有选项 {name}。",
    "No such command {name!r}.": "没有命令 {name}。",
    "Did you mean {possibility}?": "是不是想用 {possibility}？",
    "Missing argument": "缺少参数",
    "Missing option": "缺少选项",
    "Missing parameter": "缺少参数",
    "Missing command.": "缺少命令。",
    "Option {name!r} requires an argument.": "选项 {name} 后面要有一个值。",
    "Option {name!r} does not take a value.": "选项 {name} 后面不带值。",
    "Got unexpected extra argument ({args})": "多出了参数（{args}）",
    "Got unexpected extra arguments ({args})": "多出了参数（{args}）",
    "Invalid value: {message}": "值不对：{message}",
    "Invalid value for {param_hint}: {message}": "{param_hint} 的值不对：{message}",
    "{value!r} is not a valid {number_type}.": "{value!r} 不是整数。",  # we ask for no other
    "{value} is not in the range {range}.": "{value} 不在范围 {range} 内。",
    "default: {default}": "默认 {default}",
    "required": "必须",
    "{value!r} is not {choice}.": "{value!r} 不对，要 {choice}。",
    "{value!r} is not one of {choices}.": "{value!r} 不在 {choices} 之中。",
    "{name} {filename!r} does not exist.": "{filename!r} 不存在。",
    "{name} {filename!r} is a directory.": "{filename!r} 是文件夹。",
}


def speak_chinese() -> None:
    """Make gettext answer click in Chinese. Call before click is imported."""
    plain, plural = gettext.gettext, gettext.ngettext
    gettext.gettext = lambda message: TEXT.get(message) or plain(message)

    def of_count(msgid1: str, msgid2: str, n: int) -> str:
        return TEXT.get(msgid1) or plural(msgid1, msgid2, n)

    gettext.ngettext = of_count


def tidy(message: str) -> str:
    """A sentence of click's that ends like one, with the punctuation it adds by itself made
    that of the language."""
    if language() != "zh":
        return message if message.endswith((".", "?")) else f"{message}."
    message = re.sub(r"(?<=[。？）]) +", "", message.strip())
    return message if message.endswith(("。", "？")) else message.removesuffix(".") + "。"
