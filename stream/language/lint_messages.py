# SPDX-License-Identifier: Apache-2.0
"""Warnings: a rule file may say this, but probably does not mean it."""

from __future__ import annotations

from stream.language.message import Message

# conditions ---------------------------------------------------------------------------------------
NEVER_TRUE = Message(
    "can never be true: no value of {field} meets all of its conditions, so the rule never earns",
    "永远不成立：{field} 没有任何值能同时满足这些条件，这条规则不会产生积分",
)
NO_SUCH_VALUE = Message(
    "no {touchpoint} has the {field} '{value}'; {known}",
    "{touchpoint} 的 {field} 不会是「{value}」；{known}",
)
NO_POSSIBLE_VALUE = Message(
    "the {field} of a {touchpoint} cannot be '{value}'",
    "{touchpoint} 的 {field} 不可能是「{value}」",
)
NO_VALUE_BEGINS_SO = Message(
    "no {touchpoint} has a {field} that begins with '{value}'; {known}",
    "{touchpoint} 的 {field} 不会以「{value}」开头；{known}",
)
UNKNOWN_APP = Message(
    "the apps file has no app '{appid}'; {known}", "应用文件里没有「{appid}」；{known}"
)
NO_APP_BEGINS_SO = Message(
    "no app of the apps file begins with '{appid}'; {known}",
    "应用文件里没有以「{appid}」开头的应用；{known}",
)

# rules from version to version --------------------------------------------------------------------
RULE_RENAMED = Message(
    "is the rule '{former}' of version {version} under another id: its caps and its history start "
    "anew; keep the id",
    "就是版本 {version} 的规则「{former}」，只是换了 id：上限和历史会从头算起；请保留原来的 id",
)
RULES_GONE = Message(
    "lacks rules of version {version}, which earn nothing from here on: {rules}; if one has "
    "another id now, its caps and its history start anew",
    "少了版本 {version} 里的规则，它们从这个版本起不再产生积分：{rules}；"
    "如果只是换了 id，上限和历史会从头算起",
)
REWARD_FORBIDDEN = Message(
    "rewards a {touchpoint}, which WeChat forbids; the account may be blocked for it",
    "奖励了 {touchpoint}，这是微信禁止的，账号可能因此被封",
)

# days and hours -----------------------------------------------------------------------------------
NEVER_IN_VERSION = Message(
    "never holds while this version is in force", "在这个版本生效期间，这个时间从不出现"
)
NEVER_IN_CAMPAIGN = Message(
    "never holds while this campaign, and its version, are in force",
    "在这个活动和它的版本生效期间，这个时间从不出现",
)
YEAR_NOT_LISTED = Message(
    "does not list {year}: 'working_day' holds for no event of that year; append a version with "
    "the list when it is known",
    "没有 {year} 年的安排：working_day 对那一年的任何事件都不成立；"
    "安排公布后，请另加一个写有它的版本",
)

# campaigns ----------------------------------------------------------------------------------------
CAMPAIGN_NEVER_RUNS = Message(
    "never runs: this version is not in force then; move it to the one that is",
    "不会生效：那时这个版本并未生效；请移到当时生效的版本里",
)
NOT_MULTIPLIED = Message(
    "is a {kind} rule, which campaigns do not multiply; remove it here",
    "是 {kind} 规则，活动不会给它加倍；请从这里删去",
)
MULTIPLIES_NOTHING = Message(
    "has no effect: no rule of this version is multiplied by campaigns",
    "不起作用：这个版本里没有能被活动加倍的规则",
)

# offers -------------------------------------------------------------------------------------------
OFFER_WITHOUT_BENEFIT = Message(
    "names {{benefits}}, and an offer at the threshold has none; add a first step",
    "用了 {{benefits}}，但刚到门槛的邀约没有任何权益；请加上第一档",
)
MAY_LAPSE_UNANNOUNCED = Message(
    "is longer than the lifetime, {unit}: {number}; the next offer may lapse unannounced",
    "比有效期（{unit}: {number}）还长：下一次邀约可能还没通知就已失效",
)
UNKNOWN_ACCOUNT = Message(
    "no app of the apps file is in the open account '{account}'; {known}",
    "应用文件里没有属于开放平台账号「{account}」的应用；{known}",
)
BLOCK_NEVER_REACHED = Message(
    "never makes an offer: '{other}' above does first; put it below",
    "永远轮不到：上面的「{other}」总会先生效；请把它移到下面",
)
OUT_OF_REACH = Message(
    "is out of reach: with these caps and this expiry nobody has more than {most:,} points at once",
    "达不到：按这些上限和有效期，任何人同时拥有的积分都不超过 {most:,}",
)
NOTHING_TO_REACH = Message(
    "is out of reach: no rule earns anything", "达不到：没有任何规则产生积分"
)
NO_OFFERS_FOR_ANYONE = Message(
    "puts everybody into the control group: nobody gets an offer; lower it",
    "把所有人都放进了对照组：没有人会收到邀约；请调低",
)
NO_INVITATION_HAPPENS = Message(
    "none of these can lead to an invitation, so there are none: {why}",
    "这些触点都不会带来邀请，所以不会有邀请：{why}",
)
INVITES_TO_NOTHING = Message(
    "invites nobody: this version has no offers that a consent would bring",
    "不会邀请任何人：这个版本没有同意后可得的邀约",
)
NO_TRIGGER_HAPPENS = Message(
    "none of these can lead to an offer, so there are none: {why}",
    "这些触点都不会带来邀约，所以不会有邀约：{why}",
)
AFTER_UNFOLLOW = Message(
    "after an unfollow nothing is sent until the next consent",
    "取关之后，在再次同意之前不会联系对方",
)
NO_APP_OF_KIND = Message("the apps file has no {kinds}", "应用文件里没有 {kinds} 类型的应用")
