# SPDX-License-Identifier: Apache-2.0
"""Sentences of the commands that check and publish these files."""

from __future__ import annotations

from stream.language.message import Message

WARNING = Message("WARNING: {problem}", "警告：{problem}")
IN_FILE = Message("{file}: {problem}", "{file}：{problem}")
SHIPPED_RULES = Message("the shipped rules", "自带的规则")
SAMPLE_APPS = Message("the sample apps", "自带的示例应用")
NO_PROBLEMS_IN_RULES = Message(
    "{file}: no problems; versions {versions}", "{file}：没有问题；版本 {versions}"
)
CAMPAIGN_RUNS = Message(
    "  version {version}, campaign {id} (x {multiplier}): {times}",
    "  版本 {version}，活动 {id}（× {multiplier}）：{times}",
)
RULE_COUNTS = Message(
    "  version {version}, rule {id}: {times}", "  版本 {version}，规则 {id}：{times}"
)
TWO_TIMES = Message("{one}; {other}", "{one}；{other}")
FROM_TO = Message("from {start} to {end}", "{start} 至 {end}")
FROM_ON = Message("from {start}", "{start} 起")
ALWAYS = Message("always", "一直")
TIMES = Message("{name} {values}", "{name} {values}")
AND_MORE = Message("{shown}, {more} more to {last}", "{shown}，到 {last} 为止还有 {more} 个")
NONE = Message("none", "无")
NO_PROBLEMS_IN_APPS = Message(
    "{file}: no problems; {apps} apps, {merchants} merchants",
    "{file}：没有问题；{apps} 个应用，{merchants} 个商户",
)
WARNINGS_ARE_ERRORS = Message(
    "{file}: {count} warnings, which --strict takes for problems",
    "{file}：有 {count} 条警告，--strict 把警告当作问题",
)
PUBLISHED = Message("published, and applied", "已发布并生效")
BUDGET = Message(
    "{campaign}: {granted:,} of {budget:,} points", "{campaign}：已用 {granted:,} / {budget:,} 积分"
)
BUDGET_ENDED = Message(
    "{campaign}: {granted:,} of {budget:,} points; it ends at {ends}",
    "{campaign}：已用 {granted:,} / {budget:,} 积分；结束时间 {ends}",
)
NO_BUDGETS = Message("no campaign has a budget", "没有写了预算的活动")
IN_FORCE_ALREADY = Message("nothing to publish: they are in force", "无需发布：这些规则已经生效")
PARTITIONS_WITHOUT_RULES = Message(
    "{missing} partitions have no rules yet: start the workers, which begin with theirs",
    "还有 {missing} 个分区没有规则：请先启动 worker，它们会先装入自己的规则",
)
NOT_TAKEN_IN = Message(
    "The rules are published, but {behind} partitions have not taken them in within {waited_s} s: "
    "see that the workers run, then publish them again.",
    "规则已发布，但有 {behind} 个分区在 {waited_s} 秒内没有装入："
    "请确认 worker 在运行，然后再发布一次。",
)
NO_EVENTS_READ = Message(
    "no event was read: there is nothing to judge; give files that kcat wrote of the source topics",
    "没有读到任何事件，无从计算；请给出 kcat 从来源主题导出的文件",
)
NO_EVENTS_ON_TOPIC = Message(
    "{count} lines are of the topic {topic}, on which no events come; the source topics of this "
    "deployment begin with {prefix} (SHADOWPOINTS_TOPIC_PREFIX)",
    "有 {count} 行来自主题 {topic}，事件不在这个主题上；本部署的来源主题以 {prefix} 开头"
    "（SHADOWPOINTS_TOPIC_PREFIX）",
)
JUDGED_NOTHING = Message(
    "version {version} judged no event: it is in force from {since}, and no event read is from "
    "then; change its effective in a copy of the file to try it",
    "版本 {version} 没有用到任何事件：它从 {since} 起生效，而读到的事件都不在那段时间；"
    "要试用它，请在文件的副本里改它的 effective",
)
