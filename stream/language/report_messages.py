# SPDX-License-Identifier: Apache-2.0
"""Words of the page of a report: titles, columns, and what rows are called."""

from __future__ import annotations

from stream.language.message import Message

LANGUAGE_TAG = Message("en", "zh-CN")
REPORT_TITLE = Message("Report as of {time}", "截至 {time} 的报表")
REPORT_INTRO = Message(
    "All accounts, counted once. Nothing is said about fewer than {people} people: such a number "
    "is hidden, and so is another one where it would follow from the others. Days are Shanghai's.",
    "所有账户各统计一次。少于 {people} 人的数字不显示；能由其他数字推算出来时，另一个数字也不显示。"
    "日期按北京时间。",
)
HIDDEN_NUMBER = Message("hidden", "不显示")
HIDDEN_OR_NOT_YET = Message("hidden, or not yet", "不显示或尚无")
NO_NUMBER_YET = Message("not yet", "尚无")
NOTHING_COUNTED = Message("Nothing was counted.", "没有可统计的数据。")
LAST_ROWS = Message(
    "The last {shown} rows of {all}; {file} has all.",
    "仅显示最后 {shown} 行，共 {all} 行；全部数据在 {file} 中。",
)
CHART_OF = Message("Chart: {title}", "图表：{title}")

# Tables and what they mean.
T_OVERVIEW = Message("Overview", "概览")
N_OVERVIEW = Message(
    "Outstanding points are a contingent liability: an enrolment would pay them. Pending points "
    "are owed to members when return windows end.",
    "未兑现积分是或有负债：消费者注册后才会发放。待发积分在退货期结束后发给会员。",
)
T_LIABILITY_BY_AGE = Message("Outstanding points by age", "未兑现积分（按账龄）")
N_LIABILITY_BY_AGE = Message(
    "Days since the touch that earned them. Archived: so old that the day is not kept.",
    "自获得积分之日起的天数。已归档：时间太久，不再保留具体日期。",
)
T_LIABILITY_BY_EXPIRY = Message("Outstanding points by month of expiry", "未兑现积分（按到期月份）")
N_LIABILITY_BY_EXPIRY = Message(
    "The month in which they expire unless somebody enrols.", "若无人注册，积分失效的月份。"
)
T_MOVEMENTS = Message("Points by day", "每日积分变动")
N_MOVEMENTS = Message(
    "From the ledger, by the day of the decision. Transfers between accounts are left out.",
    "来自积分流水，按入账日期统计，不含账户之间的转移。",
)
T_MOVEMENTS_BY_RULE = Message("Points by day and rule", "每日积分变动（按规则）")
N_MOVEMENTS_BY_RULE = Message(
    "A payout is of all rules together.", "发放积分时不区分规则，因此这里没有发放数。"
)
T_RULES = Message("What became of the points of each rule", "各规则积分的去向")
N_RULES = Message("Granted less what was clawed back.", "已扣除因退款收回的积分。")
T_BREAKAGE = Message("Breakage by month", "积分沉淀率（按月）")
N_BREAKAGE = Message(
    "Expired points among expired and paid ones, by the month in which they were earned; only once "
    "nothing of the month is outstanding or pending.",
    "按获得月份统计：过期积分占过期与已发积分之和的比例；该月积分全部了结后才计算。",
)
T_OFFERS = Message("What became of offers", "注册邀约的结果")
N_OFFERS = Message(
    "By the month of issue; hours are medians. Superseded: two accounts became one, with a new "
    "offer.",
    "按发出月份统计；小时数为中位数。被取代：两个账户合并，改发新邀约。",
)
T_UPLIFT = Message("Sign-ups by group", "各组注册情况")
N_UPLIFT = Message(
    "Of those who qualified for an offer by the only origin they were met by, who signed up within "
    "30 days; both groups from that day on, whatever came later.",
    "以消费者达到邀约条件之日为起点，统计 30 天内注册的人数；"
    "两组均从该日起算，之后的变化不影响分组。",
)
T_UPLIFT_EFFECT = Message("What offers change: sign-ups", "邀约的效果：注册")
N_UPLIFT_EFFECT = Message(
    "Treated less control with the 95 % interval of Newcombe (1998). People needed: about so many "
    "more would show a difference this large; 0 if the interval has it already.",
    "实验组减对照组，附 Newcombe（1998）95% 置信区间。"
    "还需人数：约需再增加多少人才能证实这样大的差异；区间已不含零时为 0。",
)
T_SAMPLE_RATIO = Message("Are the groups as they were drawn?", "分组比例检查")
N_SAMPLE_RATIO = Message(
    "Chi-square test; if p is below 0.001 something sorts people, and nothing can be compared.",
    "卡方检验；p 低于 0.001 说明分组受到干扰，两组不可比较。",
)
T_NOT_COMPARED = Message("Who is not compared", "未参与比较的人")
N_NOT_COMPARED = Message(
    "Too early: qualified less than 30 days ago. Several: met by more than one origin by then. "
    "Crossed: compared, but another origin changed their side later.",
    "时间未到：达到条件不足 30 天。多个来源：当时已有不止一个来源。"
    "后来换组：参与比较，但之后因其他来源换了组。",
)
T_REACTIVATION = Message("Silent customers who came back", "沉默客户的回流")
N_REACTIVATION = Message(
    "Of those without a purchase for more than 90 days when they qualified, who bought something "
    "within the 30 days after.",
    "达到邀约条件时已超过 90 天未购买的客户，在之后 30 天内是否购买。",
)
T_REACTIVATION_EFFECT = Message("What offers change: returns", "邀约的效果：回流")
N_REACTIVATION_EFFECT = Message("The same as for sign-ups.", "算法与注册效果相同。")
T_CLASSES = Message("Consumers by class", "消费者分类")
N_CLASSES = Message(
    "As of the report, by the rules in force: level, stage of the lifecycle, RFM scores, tags.",
    "按截止时间和当时有效的规则：等级、生命周期阶段、RFM 评分、标签。",
)
T_RETENTION = Message("Retention by cohort", "留存（按首购月份）")
N_RETENTION = Message(
    "Day 0 is that of the first purchase. Old enough are those for whom the day is over; the "
    "shares are of them.",
    "第 0 天为首次购买日。“已满天数”是该天已经过完的人数，比例以此为分母。",
)
T_REPEAT = Message("Repeat purchases", "复购")
N_REPEAT = Message(
    "Within 365 days; purchases that were refunded in full do not count.",
    "最近 365 天；全额退款的购买不计。",
)
T_CHANNELS = Message("How many channels people use", "使用渠道数")
N_CHANNELS = Message("Within 90 days.", "最近 90 天。")
T_CHANNEL_REACH = Message("Consumers by channel", "各渠道人数")
N_CHANNEL_REACH = Message(
    "Within 90 days; somebody may be in several.", "最近 90 天；一人可能出现在多个渠道。"
)
T_STITCH_BY_APP = Message("Origins known by Union ID, by app", "已识别 UnionID 的来源（按应用）")
N_STITCH_BY_APP = Message(
    "An origin is one openid in one app.", "一个来源即一个应用中的一个 openid。"
)
T_STITCH = Message(
    "Origins known by Union ID, by app and age", "已识别 UnionID 的来源（按应用和时间）"
)
N_STITCH = Message("Days since the first touch.", "自首次接触起的天数。")
T_WEIGHTS = Message("What is stored, by size", "存储占用（按大小）")
N_WEIGHTS = Message("As stored, with all pages.", "按存储的字节数，含全部分页。")
T_HEAVIEST = Message("The heaviest entities", "占用最大的记录")
N_HEAVIEST = Message(
    "Without names; shadowpoints verify shows them.", "不含标识；可用 shadowpoints verify 查看。"
)

# Columns.
C_MEASURE = Message("Measure", "指标")
C_VALUE = Message("Value", "数值")
C_AGE_DAYS = Message("Age in days", "天数")
C_CLASS = Message("Class", "分类")
C_CLASS_VALUE = Message("Is", "取值")
C_MONTH = Message("Month", "月份")
C_DAY = Message("Day", "日期")
C_RULE = Message("Rule", "规则")
C_POINTS = Message("Points", "积分")
C_GRANTED = Message("Granted", "授予")
C_CLAWED_BACK = Message("Clawed back", "收回")
C_EXPIRED = Message("Expired", "过期")
C_PAID = Message("Paid out", "已发放")
C_CORRECTED = Message("Payout corrected", "发放更正")
C_OUTSTANDING = Message("Outstanding", "未兑现")
C_PENDING = Message("Pending", "待发")
C_SHARE = Message("Share", "比例")
C_MADE = Message("Made", "发出")
C_LIVE = Message("Live", "有效")
C_ACCEPTED = Message("Accepted", "接受")
C_LAPSED = Message("Lapsed", "失效")
C_WITHDRAWN = Message("Withdrawn", "撤回")
C_SUPERSEDED = Message("Superseded", "被取代")
C_ACCEPTANCE = Message("Acceptance", "接受率")
C_ACCEPTED_AFTER = Message("Accepted after", "接受用时")
C_LAPSED_AFTER = Message("Lapsed after", "失效用时")
C_EXPERIMENT = Message("Experiment", "实验")
C_GROUP = Message("Group", "分组")
C_ELIGIBLE = Message("Qualified", "达到条件")
C_SIGNED_UP = Message("Signed up", "注册")
C_DIFFERENCE = Message("Difference", "差异")
C_LOW = Message("From", "下限")
C_HIGH = Message("To", "上限")
C_PEOPLE_NEEDED = Message("People needed", "还需人数")
C_P = Message("p", "p 值")
C_AS_DRAWN = Message("As drawn", "符合设定")
C_TOO_EARLY = Message("Too early", "时间未到")
C_SEVERAL = Message("Several origins", "多个来源")
C_CROSSED = Message("Crossed later", "后来换组")
C_SILENT = Message("Silent", "沉默")
C_BACK = Message("Came back", "回流")
C_COHORT = Message("First purchase", "首购月份")
C_BUYERS = Message("Buyers", "购买人数")
C_RETENTION_DAY = Message("Day N", "第 N 天")
C_OLD_ENOUGH = Message("Old enough", "已满天数")
C_ON_DAY = Message("On day N", "当天留存")
C_ON_DAY_OR_LATER = Message("On day N or later", "当天及以后留存")
C_AGAIN = Message("Bought again", "再次购买")
C_CHANNELS = Message("Channels", "渠道数")
C_CONSUMERS = Message("Consumers", "消费者")
C_CHANNEL = Message("Channel", "渠道")
C_APPID = Message("App", "应用")
C_ORIGINS = Message("Origins", "来源数")
C_BOUND = Message("Known", "已识别")
C_KIND = Message("Kind", "类别")
C_UP_TO_KIB = Message("Up to KiB", "不超过（KiB）")
C_ENTITIES = Message("Entities", "记录数")
C_BYTES = Message("Bytes", "字节")
C_KIB = Message("KiB", "大小（KiB）")

# Rows.
R_MEMBERS = Message("Members", "会员")
R_WITH_POINTS = Message("Consumers with outstanding points", "有未兑现积分的消费者")
R_POINTS_OUTSTANDING = Message("Points outstanding", "未兑现积分")
R_POINTS_PENDING = Message("Points pending", "待发积分")
R_POINTS_PAID = Message("Points paid out", "已发积分")
R_POINTS_EXPIRED = Message("Points expired", "过期积分")
R_LIVE_OFFERS = Message("Live offers", "有效邀约")
R_POINTS_OFFERED = Message("Points offered", "邀约积分")
R_TIER = Message("level", "等级")
R_LIFECYCLE = Message("lifecycle", "生命周期")
R_RFM = Message("RFM", "RFM 评分")
R_TAGS = Message("tag", "标签")
R_ARCHIVED = Message("archived", "已归档")
R_NEVER = Message("never", "永不过期")
R_FORGOTTEN = Message("erased people", "已删除的人")
R_TREATED = Message("treated", "实验组")
R_CONTROL = Message("control", "对照组")
R_ALL = Message("all", "全部")
R_NO_EXPERIMENT = Message("no experiment", "无实验")
R_YES = Message("yes", "是")
R_NO = Message("no", "否")
R_MORE = Message("more", "更大")
R_PROFILE = Message("profile", "档案")
R_ORIGIN = Message("origin", "来源")
R_PAYMENT = Message("payment", "支付")

# What two versions of the rules come to, side by side.
WHAT_IF_TITLE = Message("Old and new rules, as of {time}", "新旧规则对比，截至 {time}")
WHAT_IF_INTRO = Message(
    "The same events, judged by the old rules and by the new ones. Nobody's behaviour changes with "
    "the rules here. A number about fewer than {people} people is hidden, and so is another one "
    "where it would follow from the others. Days are Shanghai's.",
    "用旧规则和新规则分别计算同一批事件，不考虑规则变化对消费者行为的影响。"
    "少于 {people} 人的数字不显示；能由其他数字推算出来时，另一个数字也不显示。日期按北京时间。",
)
T_EFFECT_OVERVIEW = Message("Old and new", "总体对比")
N_EFFECT_OVERVIEW = Message(
    "Points are those granted and not clawed back. What caps cut is what would be granted more "
    "without any caps. Offers made: consumers who qualified on some day, or have a live offer.",
    "积分已扣除因退款收回的部分。上限减少的积分：若没有任何上限会多授予的积分。"
    "发出的邀约：曾在某一天达到邀约条件，或目前有有效邀约的消费者。",
)
T_EFFECT_RULES = Message("By rule", "按规则")
N_EFFECT_RULES = Message(
    "What a campaign with limits adds stands by itself, as rule*campaign. Events are those that "
    "earn something before caps.",
    "有限额的活动所增加的积分单独成行，写作“规则*活动”。事件数只计在上限之前能得到积分的事件。",
)
T_EFFECT_PERIODS = Message("By day or week", "按日或按周")
N_EFFECT_PERIODS = Message(
    "By when points were earned; a week goes by its Monday.",
    "按获得积分的日期；周以周一的日期表示。",
)
T_EFFECT_CAMPAIGNS = Message("On the days of campaigns", "活动期间")
N_EFFECT_CAMPAIGNS = Message(
    "What the rules of a campaign grant on the days on which it runs in the old or the new rules, "
    "with what they would grant anyway: the effect of the campaign is the difference.",
    "活动所涉及的规则在活动日（按旧规则或新规则）授予的全部积分，包括没有活动也会授予的部分；"
    "两者之差就是活动的效果。",
)
T_EFFECT_CLASSES = Message("By level and segment", "按等级和人群")
N_EFFECT_CLASSES = Message(
    "Of those who are in a class by the old, or by the new rules, at the end.",
    "按期末在旧规则或新规则下所属的分类统计。",
)
T_EFFECT_SIZES = Message("Live offers by their points", "有效邀约的积分分布")
N_EFFECT_SIZES = Message(
    "How many consumers are offered how much.", "获得各档积分邀约的消费者人数。"
)
C_OLD = Message("Old", "旧规则")
C_NEW = Message("New", "新规则")
C_CHANGE = Message("Change", "变化")
C_PERIOD = Message("Day or week", "日或周")
C_CAMPAIGN = Message("Campaign", "活动")
C_OLD_POINTS = Message("Points (old)", "积分（旧）")
C_NEW_POINTS = Message("Points (new)", "积分（新）")
C_OLD_CONSUMERS = Message("Consumers (old)", "消费者（旧）")
C_NEW_CONSUMERS = Message("Consumers (new)", "消费者（新）")
C_OLD_EVENTS = Message("Events (old)", "事件（旧）")
C_NEW_EVENTS = Message("Events (new)", "事件（新）")
C_OLD_CUT = Message("Cut by caps (old)", "上限减少（旧）")
C_NEW_CUT = Message("Cut by caps (new)", "上限减少（新）")
C_OLD_OFFERS_MADE = Message("Offers made (old)", "发出的邀约（旧）")
C_NEW_OFFERS_MADE = Message("Offers made (new)", "发出的邀约（新）")
C_OLD_LIVE = Message("Live offers (old)", "有效邀约（旧）")
C_NEW_LIVE = Message("Live offers (new)", "有效邀约（新）")
C_OLD_COST = Message("Cost in yuan (old)", "成本（元，旧）")
C_NEW_COST = Message("Cost in yuan (new)", "成本（元，新）")
R_KEPT = Message("Points that have not expired", "未过期的积分")
R_EVENTS = Message("Events that earn", "得到积分的事件")
R_CUT = Message("Points that caps cut", "上限减少的积分")
R_OFFERS_MADE = Message("Offers made", "发出的邀约")
R_COST = Message("Cost in yuan", "成本（元）")
