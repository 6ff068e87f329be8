# SPDX-License-Identifier: Apache-2.0
"""Sentences about a YAML file as such: reading it, its characters, and kinds of values."""

from __future__ import annotations

from stream.language.message import Message

WHOLE_FILE = Message("file", "文件")
VERBATIM = Message("{text}", "{text}")

# reading ----------------------------------------------------------------------------------------
CANNOT_BE_READ = Message(
    "cannot be read ({reason}); check the path and its permissions",
    "无法读取（{reason}）；请检查路径和权限",
)
NO_USABLE_PATH = Message("not a usable path", "路径不可用")
TOO_LARGE = Message(
    "is larger than {bytes:,} bytes; remove old versions",
    "超过 {bytes:,} 字节；请删去旧的版本",
)
NOT_UTF8 = Message(
    "is not UTF-8 text; save the file as UTF-8",
    "不是 UTF-8 文本；请把文件另存为 UTF-8 编码",
)
EMPTY = Message(
    "is empty; see docs/rules.md for a rule file, docs/apps.md for an apps file",
    "是空的；规则文件的写法见 docs/rules.zh.md，应用文件的写法见 docs/apps.md",
)
NOT_YAML = Message("is not YAML: {why}", "不符合 YAML 格式：{why}")
CONTROL_CHARACTER = Message("holds a control character; remove it", "含有看不见的控制字符；请删去")
NO_SUCH_ESCAPE = Message(
    "holds an escaped character which does not exist; remove it",
    "含有不存在的转义字符；请删去",
)

# why it is not YAML -------------------------------------------------------------------------------
NO_ANCHORS = Message(
    "anchors (&) and aliases (*) are not used here", "这里不用锚点（&）和别名（*）"
)
TOO_DEEP = Message("it is nested over {levels} deep", "嵌套超过 {levels} 层")
NO_COLON = Message(
    "a name stands without a colon and a space, ': ', here or in the line above",
    "这一行或上一行的名称后面缺少冒号加空格「: 」",
)
COLON_OUT_OF_PLACE = Message(
    "a colon stands where none can; check the indentation of this line and the one above, "
    "and put text that holds ': ' in quotes",
    "这里不能出现冒号；请检查这一行和上一行的缩进，含有「: 」的文字要加引号",
)
DASH_OUT_OF_PLACE = Message(
    "an entry '- ' stands where none can; check the indentation of this line and the one above",
    "这里不能出现「- 」；请检查这一行和上一行的缩进",
)
CANNOT_START = Message(
    "no value can begin with {character}; put the text in quotes",
    "值不能以 {character} 开头；如果是文字，请加上引号",
)
QUOTE_NOT_CLOSED = Message(
    "a quotation mark is opened and never closed", "引号没有成对，只有开头没有结尾"
)
COMMA_OR_END_EXPECTED = Message(
    "a comma or a closing {closing} is missing, here or before",
    "这里或前面缺少逗号，或缺少结尾的 {closing}",
)
INDENTED_OTHERWISE = Message(
    "this line does not fit the ones above; check its indentation and the quotes before it",
    "这一行与上文对不上；请检查缩进，以及前面的引号",
)
VALUE_EXPECTED = Message("a value is missing here", "这里缺少值")
SECOND_DOCUMENT = Message(
    "a second document begins here; remove the line '---'",
    "这里开始了第二个文档；请删去「---」这一行",
)
UNKNOWN_ESCAPE = Message(
    'in "double quotes" a \\ cannot stand before {character}; write \\\\ for the character itself',
    "双引号里的 \\ 后面不能是 {character}；要写 \\ 本身，请写成 \\\\",
)
IN_THE_PARSERS_WORDS = Message(
    "{problem}; check indentation, colons and quotes",
    "解析器报告 {problem}；请检查缩进、冒号和引号",
)

# characters ---------------------------------------------------------------------------------------
LOOKALIKE = Message(
    "'{found}' is a {kind}; write '{right}'", "「{found}」是{kind}，请改成「{right}」"
)
WIDE_SPACE = Message(
    "here is a {kind}, which looks like a space; write a plain space",
    "这里有一个{kind}，看起来像空格；请改成普通空格",
)
TAB = Message(
    "here is a tab; YAML is indented by spaces only: write spaces",
    "这里有一个制表符（Tab）；YAML 只能用空格缩进，请改成空格",
)
QUOTES_DIFFER = Message(
    'the text begins with {first} and ends with {last}; write " at both ends',
    '这段文字以 {first} 开头、以 {last} 结尾；请在两端都写 "',
)
CURLY_QUOTED = Message(
    "the quotes {first} and {last} belong to the text here and will be shown; "
    'if they only enclose it, write " at both ends',
    '引号 {first} 和 {last} 在这里是文字的一部分，会显示出来；如果只是用来括住文字，请在两端都写 "',
)

FULL_WIDTH = Message("full-width character", "全角字符")
FULL_WIDTH_COLON = Message("full-width colon", "全角冒号")
FULL_WIDTH_COMMA = Message("full-width comma", "全角逗号")
FULL_WIDTH_BRACE = Message("full-width brace", "全角花括号")
FULL_WIDTH_BRACKET = Message("full-width bracket", "全角方括号")
FULL_WIDTH_PARENTHESIS = Message("full-width parenthesis", "全角圆括号")
FULL_WIDTH_QUOTE = Message("full-width quotation mark", "全角引号")
FULL_WIDTH_DIGIT = Message("full-width digit", "全角数字")
FULL_WIDTH_LETTER = Message("full-width letter", "全角字母")
CURLY_QUOTE = Message("curly quotation mark", "弯引号（中文引号）")
CORNER_QUOTE = Message("corner quotation mark", "直角引号")
ENUMERATION_COMMA = Message("Chinese enumeration comma", "顿号")
CHINESE_FULL_STOP = Message("Chinese full stop", "中文句号")
BLACK_BRACKET = Message("lenticular bracket", "方头括号")
LONG_DASH = Message("long dash", "长横线")
IDEOGRAPHIC_SPACE = Message("full-width space (U+3000)", "全角空格（U+3000）")
NO_BREAK_SPACE = Message("no-break space (U+00A0)", "不换行空格（U+00A0）")

# names and values ---------------------------------------------------------------------------------
NO_TAGS = Message("the tag '{tag}' is not used here; remove it", "这里不用标签「{tag}」；请删去")
NAME_NOT_TEXT = Message("the name here must be plain text", "这里的名称必须是普通文字")
GIVEN_TWICE = Message(
    "is already given in line {line}; keep one of the two", "第 {line} 行已经写过；请只保留一处"
)
UNSHOWABLE = Message(
    "holds a character which cannot be shown; remove it", "含有无法显示的字符；请删去"
)
NO_VALUE = Message("has no value; write one or remove the line", "没有值；请填写，或删去这一行")
NO_NUMBER = Message(
    "'{text}' is no plain decimal number; write one, or quote it as text",
    "「{text}」不是普通的十进制数字；请改写，如果是文字就加上引号",
)
NO_SUCH_SETTING = Message("there is no such setting here; {known}", "这里没有这个设置；{known}")

# kinds of values ----------------------------------------------------------------------------------
MISSING = Message("is missing; add it", "缺少这一项；请补上")
NEEDS_WHOLE_NUMBER = Message("must be a whole number without quotes", "必须是不带引号的整数")
NEEDS_TEXT = Message("must be text; put it in quotes", "必须是文字；请加上引号")
NEEDS_TRUE_OR_FALSE = Message(
    "must be true or false, without quotes", "必须是 true 或 false，不带引号"
)
NEEDS_LIST = Message(
    "must be a list: one '- ' line for each entry", "必须是列表：每一项写一行，以「- 」开头"
)
NEEDS_SETTINGS = Message(
    "must hold settings of its own, one 'name: value' in each line",
    "下面必须有自己的设置，每行一个「名称: 值」",
)
AT_LEAST = Message("must be at least {ge}", "不能小于 {ge}")
AT_MOST = Message("must be at most {le}", "不能大于 {le}")
ONE_OF = Message("must be one of {choices}", "只能是 {choices}")
CHOICE = Message("'{word}'", "「{word}」")
TOO_LONG = Message("must have at most {max_length} characters", "最多 {max_length} 个字符")

# words that are known -----------------------------------------------------------------------------
THERE_IS = Message("There is: {words}", "可用的有：{words}")
DID_YOU_MEAN = Message(
    "did you mean '{near}'? There is: {words}", "是不是想写「{near}」？可用的有：{words}"
)
NO_CHOICE = Message("there is none to choose from", "目前没有可选的")
USED_ABOVE = Message(
    "'{id}' is used above already; choose another {name}",
    "「{id}」在上面已经用过；请换一个 {name}",
)
