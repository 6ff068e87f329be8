# SPDX-License-Identifier: Apache-2.0
"""Sentences about single values: touchpoints, dates, amounts, ids, texts."""

from __future__ import annotations

from stream.language.message import Message

NO_TOUCHPOINT = Message(
    "there is no touchpoint '{name}'; {known}", "没有名为「{name}」的触点；{known}"
)
NO_DATE = Message(
    "'{given}' is no date: write one such as 2026-05-01, or a time such as 2026-05-01T07:30",
    "「{given}」不是日期：请写成 2026-05-01 这样的日期，或 2026-05-01T07:30 这样的时间",
)
DATE_IN_ANOTHER_FORM = Message(
    "'{given}' is a date in another form; write {right}",
    "日期「{given}」的写法不对，请写成 {right}",
)
NOT_IN_THE_CALENDAR = Message(
    "'{given}' is not in the calendar; check year, month, day and time",
    "日历上没有「{given}」；请检查年、月、日和时间",
)
YEAR_OUT_OF_RANGE = Message(
    "the year must be between {first} and {last}", "年份必须在 {first} 到 {last} 之间"
)
NO_AMOUNT = Message(
    "must be a plain number such as 12.5, with up to {decimals} decimals",
    "必须是 12.5 这样的普通数字，最多 {decimals} 位小数",
)
AMOUNT_OUT_OF_RANGE = Message(
    "must be more than 0 and at most {largest}", "必须大于 0，且不超过 {largest}"
)
TOO_MANY_OPERANDS = Message(
    "must list between 1 and {most} values", "列表中必须有 1 到 {most} 个值"
)
NO_OPERAND = Message("must be text or a whole number", "必须是文字或整数")
NO_ENTRY = Message("is empty; add an entry or remove the line", "是空的；请添加一项，或删去这一行")
TOO_MANY_ENTRIES = Message(
    "has {count} entries, of which {most} are allowed; remove some",
    "有 {count} 项，最多允许 {most} 项；请删去一些",
)
CANNOT_BE_FILLED_IN = Message(
    "'{found}' cannot be filled in; {choice}", "「{found}」无法替换成内容；{choice}"
)
USE_ONLY = Message("use only {known}", "只能用 {known}")
NO_PLACEHOLDERS = Message("no placeholder is filled in here", "这里不能用占位符")
NEEDS_PLACEHOLDER = Message(
    "must contain {needed}, the place where the number goes",
    "必须包含 {needed}，数字会显示在那里",
)
TOO_LONG_FOR_A_NOTICE = Message(
    "may come to {longest} characters, and a notice of WeChat's has room for {most}; shorten it",
    "可能达到 {longest} 个字符，而微信订阅消息的这一栏最多 {most} 个；请缩短",
)
BLANK = Message("is blank; write a text or remove the line", "只有空白；请写上文字，或删去这一行")

NO_NAME = Message(
    "'{text}' must be 1 to 32 of the characters a-z, 0-9 and _",
    "「{text}」只能由 1 到 32 个 a-z、0-9、_ 字符组成",
)
NO_ID = Message(
    "'{text}' must be an id of the characters A-Z, a-z, 0-9, _ and -",
    "「{text}」必须是由 A-Z、a-z、0-9、_、- 组成的标识",
)
NO_ORIGINAL_ID = Message(
    "'{text}' must be an original id such as gh_abc0000001",
    "「{text}」必须是 gh_abc0000001 这样的原始 ID",
)
NO_VARIABLE = Message(
    "'{text}' must name a variable such as ABC_TOKEN, without _FILE",
    "「{text}」必须是环境变量名，例如 ABC_TOKEN，不带 _FILE",
)

# days and hours -----------------------------------------------------------------------------------
NO_DAY_OF_A_YEAR = Message("must be a day such as 05-20", "必须是 05-20 这样的日期")
NO_SUCH_DAY = Message(
    "'{given}' is not in the calendar; write month-day, such as 05-20",
    "日历上没有「{given}」；请写成「月-日」，例如 05-20",
)
NO_DAY = Message(
    "must be a day such as 05-20 of every year, or 2026-05-20",
    "必须是每年的某一天，例如 05-20，或某一年的某一天，例如 2026-05-20",
)
NO_TIME_OF_DAY = Message(
    "must be a day without a time; hours have a setting of their own",
    "必须是不带时间的日期；时段请写在 hours 里",
)
NO_FESTIVAL = Message("there is no festival '{name}'; {known}", "没有名为「{name}」的节日；{known}")
NO_WEEKDAY = Message(
    "'{given}' is no weekday; use {weekdays}", "「{given}」不是星期几；请用 {weekdays}"
)
NO_HOURS = Message("must be hours such as 06:00-10:00", "必须是 06:00-10:00 这样的时段")
NO_CLOCK = Message("must be a time such as 10:00", "必须是 10:00 这样的时间")
NOT_ON_THE_CLOCK = Message(
    "'{given}' is not on the clock; use 00:00 to 24:00",
    "「{given}」超出了一天的时间；请用 00:00 到 24:00",
)
HOURS_ARE_EMPTY = Message(
    "begins and ends at the same time; for a whole day leave the hours out",
    "开始和结束是同一时刻；如果是全天，请不要写 hours",
)
PERIOD_OVER_NEW_YEAR = Message(
    "ends before it begins; a year ends with 12-31", "结束早于开始；一年到 12-31 为止"
)
PERIOD_FALLS = Message("ends before it begins", "结束早于开始")
FESTIVAL_AND_PERIOD = Message(
    "is a festival or a period; write two entries", "只能是节日或一段日期；请写成两项"
)
DAYS_AROUND_NOTHING = Message(
    "has days before or after no festival; name it with 'festival'",
    "写了前后几天，却没有写哪个节日；请用 festival 写明",
)
HALF_A_PERIOD = Message("needs 'from' and 'to', or 'festival'", "需要 from 和 to，或者 festival")
HALF_A_YEAR = Message(
    "has a year on one side only; write it on both, or on neither",
    "只有一边写了年份；请两边都写，或都不写",
)
NO_YEAR = Message("must be a year such as 2026", "必须是 2026 这样的年份")
