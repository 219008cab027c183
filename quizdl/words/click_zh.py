"""click's own sentences in Chinese. click asks gettext; this answers instead of a catalogue."""

import gettext

TEXT = {
    "Usage:": "用法：",
    "Usage: {usage}": "用法：{usage}",
    "Options": "选项",
    "Commands": "命令",
    "Arguments": "参数",
    "Options:": "选项：",
    "Show this message and exit.": "显示这份说明。",
    "Show the version and exit.": "显示版本。",
    "Error: {message}": "错误：{message}",
    "Error": "错误",
    "Try '{command} {option}' for help.": "运行“{command} {option}”查看用法。",
    "No such option: {name}": "没有选项 {name}",
    "No such option {name!r}.": "没有选项 {name}。",
    "No such command {name!r}.": "没有命令 {name}。",
    "Did you mean {possibility}?": "是不是想用 {possibility}？",
    "(Possible options: {possibilities})": "（相近的选项：{possibilities}）",
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
    "{value!r} is not a valid {number_type}.": "{value!r} 不是合适的数（{number_type}）。",
    "{value} is not in the range {range}.": "{value} 不在范围 {range} 内。",
    "{name} {filename!r} does not exist.": "{filename} 不存在。",
    "{name} {filename!r} is a file.": "{filename} 是文件，这里要文件夹。",
    "{name} {filename!r} is not readable.": "{filename} 不可读。",
    "default: {default}": "默认 {default}",
    "required": "必填",
    "file": "文件",
    "directory": "文件夹",
    "path": "路径",
    "Aborted!": "已中断。",
}


def speak_chinese() -> None:
    """Make gettext answer click in Chinese. Call before click is imported."""
    plain, plural = gettext.gettext, gettext.ngettext
    gettext.gettext = lambda message: TEXT.get(message) or plain(message)

    def of_count(msgid1: str, msgid2: str, n: int) -> str:
        return TEXT.get(msgid1) or plural(msgid1, msgid2, n)

    gettext.ngettext = of_count
