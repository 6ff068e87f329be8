# SPDX-License-Identifier: Apache-2.0
"""Sentences about classes of consumers in a rule file: tiers, segments, tags and ``who``."""

from __future__ import annotations

from stream.language.message import Message

# definitions --------------------------------------------------------------------------------------
LEVELS_FALL = Message(
    "must be more than the level before, {last}; smallest come first",
    "必须大于上一个等级的 {last}；请从小到大排列",
)
WINDOW_DOES_NOT_ROLL = Message(
    "is for a rolling window; remove it, or write window: rolling",
    "只用于滚动窗口；请删去，或写 window: rolling",
)
HELD_TOO_LONG = Message(
    "and hold_days may come to {most} days together; lower one of them",
    "与 hold_days 合计最多 {most} 天；请调低其中一项",
)
STAGES_FALL = Message(
    "must be more than {earlier}, {less}; raise it", "必须大于 {earlier}（{less}）；请调高"
)
NEW_FOR_TOO_LONG = Message(
    "must be at most active_days, {most}; lower it",
    "不能大于 active_days（{most}）；请调低",
)
BORDERS_FALL = Message(
    "must not be less than the border before, {last}; smallest come first",
    "不能小于上一个分界值 {last}；请从小到大排列",
)
NOT_FOUR_BORDERS = Message(
    "has {count} borders; scores from 1 to {best} have {borders} between them",
    "有 {count} 个分界值；1 到 {best} 分之间要有 {borders} 个",
)

# who ----------------------------------------------------------------------------------------------
NO_SUCH_CLASS = Message("there is no class '{name}'; {known}", "没有「{name}」这种分类；{known}")
CLASS_NOT_DEFINED = Message(
    "asks for what this version does not have; add '{section}'",
    "这个版本里没有它所问的内容；请加上 {section}",
)
TAGS_OF_TAGS = Message(
    "is not for tags, which are made of everything else; name that here",
    "不能用在标签里，标签由其他分类组成；请在这里直接写出那些分类",
)
OP_NOT_FOR_CLASSES = Message(
    "'{op}' does not work here; use eq, ne, in or not_in",
    "这里不能用 {op}；请用 eq、ne、in 或 not_in",
)
NO_SCORE = Message(
    "'{given}' is no score; scores go from 1 to {best}, without quotes",
    "「{given}」不是分数；分数从 1 到 {best}，不带引号",
)
NO_SCORES = Message(
    "'{given}' is not three scores from 1 to {best} such as \"545\"",
    '「{given}」不是 "545" 这样由三个 1 到 {best} 组成的分数',
)
NO_LEVEL = Message("there is no level '{given}'; {known}", "没有等级「{given}」；{known}")
NO_STAGE = Message("there is no stage '{given}'; {known}", "没有阶段「{given}」；{known}")
NO_TAG = Message("there is no tag '{given}'; {known}", "没有标签「{given}」；{known}")
MULTIPLIES_NO_LEVELS = Message(
    "needs levels, of which this version has none; add 'tiers'",
    "需要等级，而这个版本没有；请加上 tiers",
)
NO_TIER_MULTIPLIER_WITH = Message(
    "does not work with '{kind}'; write a rule for each level with 'who'",
    "不能与 {kind} 一起使用；请用 who 为每个等级各写一条规则",
)

# doubtful -----------------------------------------------------------------------------------------
FITS_NOBODY = Message(
    "fits nobody: no consumer can have all of this at once; change it",
    "没有人符合：没有消费者能同时满足这些条件；请修改",
)
FITS_EVERYBODY = Message(
    "fits everybody, so it chooses nobody; remove it",
    "所有人都符合，等于没有筛选；请删去",
)
NO_SEGMENTS = Message(
    "defines no segments; add 'lifecycle' or 'rfm', or remove it",
    "没有定义任何人群；请加上 lifecycle 或 rfm，或删去这一项",
)
