# SPDX-License-Identifier: Apache-2.0
"""Sentences about a rule file whose single values are right, but do not fit together."""

from __future__ import annotations

from stream.language.message import Message

# one earning rule -------------------------------------------------------------------------------
TWO_AMOUNTS = Message(
    "stands beside 'points'; keep one of the two, or write two rules",
    "与 points 同时出现；请只保留一个，或写成两条规则",
)
NO_AMOUNT_EARNED = Message(
    "earns nothing; add 'points' or 'points_per_yuan'",
    "不会产生积分；请加上 points 或 points_per_yuan",
)
NOT_FOR_RULES_WITH = Message(
    "is not for rules with '{kind}'; write two rules",
    "不能用在有 {kind} 的规则里；请写成两条规则",
)
NO_CAPS_FOR_FIRST_TIME = Message(
    "are not for first_time rules, which grant their points once; remove one of both",
    "不能用在 first_time 规则里，这种规则只发一次积分；请删去其中之一",
)
ONLY_WITH = Message(
    "belongs to {kinds}, which this rule does not use; remove it",
    "只能与 {kinds} 搭配，而这条规则没有用到；请删去",
)
EARNS_BY_NOTHING = Message(
    "is missing; name what earns, or give 'steps'",
    "缺少这一项；请写明什么触点产生积分，或写 steps",
)
STANDS_BESIDE_STEPS = Message(
    "stands beside 'steps', each of which has its own; remove it here",
    "与 steps 同时出现，而每个步骤都有自己的这一项；请从这里删去",
)
NO_RATE_WITH_STEPS = Message(
    "does not work with 'steps'; use 'points'", "不能与 steps 一起使用；请改用 points"
)
NEEDS_TOO_MANY = Message(
    "is more than the {steps} steps that there are; lower it",
    "超过了现有的 {steps} 个步骤；请调低",
)
NEEDS_MONEY = Message(
    "needs an amount paid, which only {touchpoints} have; use '{instead}'",
    "需要付款金额，只有 {touchpoints} 才有；请改用 {instead}",
)
NO_SUCH_BASE = Message(
    "{touchpoint} has no {base}; use {bases}", "{touchpoint} 没有 {base}；请用 {bases}"
)
CAP_BELOW_ANOTHER = Message(
    "is below the '{shorter}' cap of {low}; raise it or lower the other",
    "小于 {shorter} 的上限 {low}；请调高这一项，或调低另一项",
)
CAPS_NOTHING = Message(
    "limit nothing; add a day, week, month or lifetime",
    "没有限制任何东西；请加上 day、week、month 或 lifetime",
)
IN_A_GROUP_ALREADY = Message(
    "'{name}' is in a group already; remove it from one",
    "「{name}」已经在另一个组里；请从其中一个组删去",
)
PENDING_UNTIL_EXPIRED = Message(
    "must be less than expiry_days, {expiry}: the points would expire before they could be paid; "
    "lower it, or raise expiry_days",
    "必须小于 expiry_days（{expiry}）：否则积分还没发放就过期了；请调低这一项，或调高 expiry_days",
)
FORBIDDEN_BY_WECHAT = Message(
    "WeChat forbids rewarding a {touchpoint}; remove the rule (a {touchpoint} may trigger offers), "
    "or answer for it with allow_rewarding: [{touchpoint}]",
    "微信禁止奖励 {touchpoint}；请删去这条规则（{touchpoint} 可以触发邀约），"
    "或写上 allow_rewarding: [{touchpoint}]，由您自行负责",
)
NEEDS_NO_PERMISSION = Message(
    "'{touchpoint}' needs no permission; {known}", "「{touchpoint}」不需要许可；{known}"
)

# conditions ---------------------------------------------------------------------------------------
NO_SUCH_FIELD = Message(
    "{touchpoint} has no such field; {known}", "{touchpoint} 没有这个字段；{known}"
)
COMPARES_NUMBERS = Message(
    "'{op}' compares numbers, and this field is text; use eq, ne, in, not_in or prefix",
    "{op} 用来比较数字，而这个字段是文字；请用 eq、ne、in、not_in 或 prefix",
)
PREFIX_IS_FOR_TEXT = Message(
    "'prefix' is for text, and this field is a number; use gte and lt",
    "prefix 用于文字，而这个字段是数字；请用 gte 和 lt",
)
NEEDS_A_LIST = Message("'{op}' needs a list such as [a, b]", "{op} 需要 [a, b] 这样的列表")
TAKES_ONE_VALUE = Message(
    "'{op}' takes one value; for several use in: [a, b]",
    "{op} 只能有一个值；多个值请用 in: [a, b]",
)
COMPARED_WITH_TEXT = Message(
    "'{value}' does not fit: this field is compared with text in quotes",
    "「{value}」不合适：这个字段要与带引号的文字比较",
)
COMPARED_WITH_NUMBER = Message(
    "'{value}' does not fit: this field is compared with a whole number without quotes",
    "「{value}」不合适：这个字段要与不带引号的整数比较",
)

# days and hours -----------------------------------------------------------------------------------
NEEDS_CALENDAR = Message(
    "needs the days off of each year; add 'calendar' to this version",
    "需要知道每年的放假安排；请给这个版本加上 calendar",
)
BEYOND_LUNAR_TABLE = Message(
    "is a day of the lunar calendar, which is known from {known_from} to {known_to}; "
    "this version needs it from {first} to {last}; write the days instead",
    "是农历节日，而这里的农历只有 {known_from} 至 {known_to} 年；"
    "这个版本需要 {first} 至 {last} 年；请直接写日期",
)
OFF_AND_WORKED = Message(
    "{day} is a day off, too; remove it from one of both",
    "{day} 同时又是放假日；请从其中一处删去",
)

# campaigns and offers -----------------------------------------------------------------------------
NO_TIME = Message(
    "does not say when it runs; add 'from' and 'to', or 'when'",
    "没有说明什么时候进行；请加上 from 和 to，或 when",
)
ADDS_NOTHING_TO_LIMIT = Message(
    "must be more than 1 beside '{limit}', which limits what the campaign adds; raise it, or "
    "remove '{limit}'",
    "与 {limit} 同时出现时必须大于 1，因为 {limit} 限制的是活动多给的积分；请调高，或删去 {limit}",
)
ENDS_BEFORE_IT_BEGINS = Message("must be after 'from'", "必须晚于 from")
NO_SUCH_RULE = Message(
    "this version has no rule '{name}'; {known}", "这个版本没有规则「{name}」；{known}"
)
LISTED_ALREADY = Message(
    "{touchpoint} is in the list already; remove it", "{touchpoint} 已经在列表里；请删去"
)
NO_TEXT_IN_OTHER_LANGUAGE = Message(
    "has no text in {language}; add one there, too", "没有 {language} 的文字；请在那里也补上"
)
OFFER_TOO_LONG = Message(
    "may come to {longest:,} characters with all its reasons and benefits, and {most:,} are "
    "allowed; shorten it, or them",
    "加上所有理由和权益后可能达到 {longest:,} 个字符，最多允许 {most:,} 个；请缩短这段文字或它们",
)
SET_OFF_BY_NOTHING = Message(
    "is set off by nothing; add 'triggers' or 'silent_days'",
    "没有任何触发方式；请加上 triggers 或 silent_days",
)
NEEDS_ONE_OF = Message("must have exactly one setting: {names}", "必须且只能写其中一项：{names}")
INVITES_IN_VAIN = Message(
    "is for 'consent: opt_in', where touchpoints wait for an answer; remove it",
    "只用于 consent: opt_in，那时触点才会等待答复；请删去",
)
STEPS_FALL = Message(
    "must be more than the step before, {last}; smallest come first",
    "必须大于上一档的 {last}；请从小到大排列",
)

# versions -----------------------------------------------------------------------------------------
NUMBER_FALLS = Message(
    "must be more than the version before, {last}; oldest come first",
    "必须大于上一个版本的 {last}；请把最早的放在最前面",
)
BEGINS_TOO_EARLY = Message(
    "must be after the version before, which starts on {last}",
    "必须晚于上一个版本，它从 {last} 开始",
)
VERSION_MISSING = Message(
    "version {version} is in force from {since} and is missing: put it back as it was",
    "版本 {version} 从 {since} 起生效，但文件里没有它：请照原样放回去",
)
VERSION_CHANGED = Message(
    "version {version} is in force from {since} and is not as it was: put it back, and append a "
    "version for what is to change",
    "版本 {version} 从 {since} 起生效，内容却改过了：请恢复原样，要改的内容请另加一个新版本",
)
VERSION_TOO_SOON = Message(
    "version {version} is new and would start at {start}: it must start after {earliest}",
    "版本 {version} 是新的，却要从 {start} 开始：它必须晚于 {earliest}",
)
