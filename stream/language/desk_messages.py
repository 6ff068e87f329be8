# SPDX-License-Identifier: Apache-2.0
"""Words of the operator's desk: its pages, and what its tables are called."""

from __future__ import annotations

from stream.language.message import Message

DESK = Message("Operator's desk", "运营台")
SKIP = Message("Skip to the content", "跳到正文")
PAGES = Message("Pages", "页面")
SIGN_OUT = Message("Sign out", "退出登录")

# Login.
SIGN_IN = Message("Sign in", "登录")
TOKEN = Message("Token", "令牌")
TOKEN_NOTE = Message(
    "It stands in the file that the desk was started with.", "令牌在启动运营台时指定的文件中。"
)
TOKEN_WRONG = Message("This is not the token.", "令牌不正确。")
TOO_MANY_TRIES = Message(
    "Too many wrong tokens; try again in a minute.", "错误次数过多，请一分钟后再试。"
)

# Trouble.
TROUBLE = Message("This page cannot be shown", "无法显示本页")
NOT_IN_TIME = Message(
    "Kafka or Redis did not answer in time; try again.", "Kafka 或 Redis 未及时响应，请重试。"
)
NO_SUCH_PAGE = Message("There is no such page.", "没有这个页面。")
FOREIGN_FORM = Message(
    "This form was not sent from the desk itself.", "该表单不是从运营台页面提交的。"
)

# Names of pages.
P_OVERVIEW = Message("At a glance", "总览")
P_OFFERS = Message("Offers and uplift", "邀约与效果")
P_RULES = Message("Rules and campaigns", "规则与活动")
P_PERSON = Message("One person", "个人")
P_LETTERS = Message("Dead letters", "死信")
P_HEALTH = Message("Health", "运行状况")

# Overview.
RECORDS = Message("Records by outcome", "记录处理结果")
RECORDS_NOTE = Message(
    "All records that the engine has taken in, as the tables count them.",
    "引擎已处理的全部记录，以存储中的计数为准。",
)
H_OUTCOME = Message("Outcome", "结果")
H_RECORDS = Message("Records", "条数")
FROM_REPORT = Message(
    "The figures below are of the report as of {time}.", "以下数字来自截至 {time} 的报表。"
)
NO_REPORT = Message(
    "There are no figures: run shadowpoints report write, and give its report.json to the desk.",
    "没有报表数据：请运行 shadowpoints report write，并把 report.json 的路径告诉运营台。",
)
BAD_REPORT = Message(
    "The report file cannot be read; write it again.", "报表文件无法读取，请重新生成。"
)

# Rules.
VERSIONS = Message("Versions", "版本")
VERSIONS_NOTE = Message(
    "As published in the log. An event is judged by the version in force when it happened.",
    "以日志中发布的为准。事件按其发生时有效的版本判定。",
)
H_VERSION = Message("Version", "版本号")
H_IN_FORCE_FROM = Message("In force from", "生效时间")
H_STATE = Message("State", "状态")
S_PAST = Message("past", "已过去")
S_IN_FORCE = Message("in force", "生效中")
S_TO_COME = Message("to come", "未生效")
RULES_NOW = Message("Earning rules in force", "当前积分规则")
RULES_NOW_NOTE = Message(
    "Caps are the most that one consumer is granted.", "上限指一位消费者最多可获得的积分。"
)
H_TOUCHPOINT = Message("Touchpoint", "触点")
H_EARNS = Message("Earns", "获得")
H_CAPS = Message("Caps", "积分上限")
EARNS_POINTS = Message("{points} points", "{points} 分")
EARNS_RATE = Message("{points} points for each yuan", "每元 {points} 分")
EARNS_STEPS = Message("in steps", "分步获得")
NO_CAPS = Message("no caps", "无上限")
CAMPAIGNS = Message("Campaigns", "营销活动")
CAMPAIGNS_NOTE = Message(
    "The calendar of the campaigns of the version in force and of those to come.",
    "当前版本和未生效版本的活动日历。",
)
NO_CAMPAIGNS = Message("There are no campaigns.", "没有活动。")
H_FROM = Message("Begins", "开始")
H_UNTIL = Message("Ends", "结束")
H_MULTIPLIER = Message("Multiplies by", "倍数")
H_BUDGET = Message("Granted of the budget", "已用预算")
NO_END = Message("with its version", "随版本结束")

# Person.
WHO = Message("Identifier", "标识")
WHO_NOTE = Message(
    "An openid, a Union ID, a payment, a member number, an offer, a consumer id, or the place of a "
    "dead letter such as 0@42. Every look is logged.",
    "openid、UnionID、支付单号、会员号、邀约编号、消费者编号，或死信位置（如 0@42）。"
    "每次查看都会记录。",
)
SHOW_IDS = Message("Show whole ids", "显示完整标识")
LOOK = Message("Look up", "查询")
NOBODY = Message("Nobody is found by this identifier.", "没有找到对应的人。")
SEARCHED = Message(
    "Of the offers' topic, the last {records} records of each partition were searched.",
    "已查找邀约主题每个分区最近 {records} 条记录。",
)
SEVERAL = Message("Several people are found; choose one.", "找到多个人，请选择。")
STANDING = Message("Where they stand", "当前状态")
STANDING_NOTE = Message("By the rules of now, at {time}.", "按 {time} 的规则。")
H_WHAT = Message("What", "项目")
H_IS = Message("Now", "现在")
W_CONSUMER = Message("Consumer", "消费者编号")
W_BALANCE = Message("Balance", "余额")
W_OFFER = Message("Live offer", "有效的邀约")
W_NO_OFFER = Message("No offer, because of", "没有邀约，原因")
W_MISSING_OFFER = Message("Missing to an offer", "距邀约还差")
W_MISSING_BENEFIT = Message("Missing to {benefit}", "距 {benefit} 还差")
W_TIER = Message("Tier", "会员等级")
W_MISSING_TIER = Message("Missing to {tier}", "距等级 {tier} 还差")
W_PROGRESS = Message("Progress of {rule}", "{rule} 的进度")
W_MEMBER = Message("Member", "会员号")
W_EXPIRES = Message("Expires on {day}", "{day} 到期")
V_POINTS_UNTIL = Message("{points} points until {time}", "{points} 分，有效期至 {time}")
V_POINTS = Message("{points} points in all", "共 {points} 分")
V_YUAN = Message("{yuan} yuan", "{yuan} 元")
V_OF = Message("{done} of {of}", "已完成 {done}，共 {of}")
TIMELINE = Message("Timeline", "时间线")
TIMELINE_NOTE = Message(
    "What was heard of them, and what the engine said about them, the newest first. Ledger entries "
    "and messages are from the last {records} records of their partitions.",
    "从新到旧列出此人的触点以及引擎发出的消息。积分流水和消息取自所在分区最近 {records} 条记录。",
)
H_TIME = Message("Time", "时间")
H_EVENT = Message("Event id", "事件编号")
H_EFFECT = Message("Effect", "影响")
H_BALANCE = Message("Balance then", "当时余额")
ONLY_LATEST = Message("The latest {shown} of {all} lines.", "仅显示最近 {shown} 行，共 {all} 行。")
T_TOUCH = Message("Touch: {touchpoint}", "触点：{touchpoint}")
T_CAP = Message("Cap of {limit} for each {period}", "{limit} 的上限（{period}）")
T_ENTRY = Message("Ledger: {kind}", "积分流水：{kind}")
T_MESSAGE = Message("Told: {type}", "已通知：{type}")
T_PROOF = Message("Proof: {type}", "身份证据：{type}")
E_BEFORE_CAPS = Message("{points} before caps", "{points}（未计上限）")
E_COUNTS_FOR = Message("counts for {rules}", "计入 {rules}")
E_NOTHING = Message("nothing", "无积分")
E_LEFT = Message("{points} of {earned} points were left", "{earned} 分中保留 {points} 分")
E_BINDS_TO = Message("is {consumer}", "即 {consumer}")

# Dead letters.
LETTERS_NOTE = Message(
    "Records that could not be used, the newest first, without their contents.",
    "无法处理的记录，从新到旧，不含内容。",
)
H_REASON = Message("Reason", "原因")
H_TOPIC = Message("Topic", "主题")
ANY = Message("any", "不限")
FILTER = Message("Filter", "筛选")
H_PLACE = Message("Place", "位置")
H_ORIGINAL = Message("Came from", "来自")
H_MESSAGE = Message("Says", "说明")
H_SIZE = Message("Size in bytes", "大小（字节）")
IS_REPLAYED = Message("replayed", "已重放")
IS_ERASED = Message("about somebody who was erased", "涉及已删除的人")
IS_WAITING = Message("not replayed", "未重放")
RECORDS_COUNTED = Message("Of those selected.", "限所选条件。")
BY_REASON = Message("How many of each reason", "按原因统计")
NO_LETTERS = Message("There are no dead letters of this kind.", "没有符合条件的死信。")
REPLAY = Message("Replay", "重放")
REPLAY_NOTE = Message(
    "Those selected above go back to their topics, each once. What fails again becomes a new dead "
    "letter.",
    "以上筛选出的死信将各重放一次，回到原来的主题；再次失败的会成为新的死信。",
)
REPLAY_OFF = Message(
    "The desk was started without a file for the second token, so that it replays nothing.",
    "启动运营台时没有指定第二令牌文件，因此不能重放。",
)
ASK_REPLAY = Message("Replay {count} dead letters?", "重放 {count} 条死信？")
COUNT_THEM = Message("Count what would be replayed", "统计可重放的数量")
SECOND_TOKEN = Message("Second token", "第二令牌")
REPLAY_NOW = Message("Replay them now", "立即重放")
REPLAYED_NOW = Message(
    "{count} were replayed, {left} were left out.", "已重放 {count} 条，略过 {left} 条。"
)

# Health.
LAG = Message("Partitions of the resolved log", "归并日志的分区")
LAG_NOTE = Message(
    "What the workers have not applied yet, and how long ago the newest applied record came.",
    "尚未处理的记录数，以及最近一条已处理记录距今的时间。",
)
SOURCES = Message("Sources", "来源主题")
SOURCES_NOTE = Message(
    "What the workers have not read yet. A partition that stands still has records and was not "
    "read for a minute: a flood of dead letters may have halted it.",
    "尚未读取的记录数。“停滞”指分区有记录但一分钟未被读取：可能因大量死信而暂停。",
)
H_PARTITION = Message("Partition", "分区")
H_END = Message("End", "末尾")
H_WAITING = Message("Waiting", "等待中")
H_NEWEST = Message("Age of the newest", "最新记录距今")
H_STANDS = Message("Stands still", "停滞")
SKEW = Message("Even load", "均衡程度")
SKEW_NOTE = Message(
    "The fullest partition has {ratio} times the records of the mean one.",
    "最满的分区是平均值的 {ratio} 倍。",
)
SKEW_NONE = Message("Nothing was published yet.", "尚无记录。")
NEVER_READ = Message("nothing applied yet", "尚未处理")
SECONDS = Message("{seconds} s", "{seconds} 秒")
