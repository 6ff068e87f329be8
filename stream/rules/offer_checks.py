# SPDX-License-Identifier: Apache-2.0
"""Check the blocks of offers and the invitation: settings that do not fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from schemas.base import POINTS_MAX
from schemas.offers import TEXT_CHARS_MAX
from stream.engine.model.ruleset import ConsentMode
from stream.engine.model.touchpoints import Touchpoint
from stream.language import rule_messages as say
from stream.language.message import either
from stream.rules.model import (
    EffectEntry,
    InvitationEntry,
    LifetimeEntry,
    OfferEntry,
    ReasonTexts,
)
from stream.yaml_config.entries import entries
from stream.yaml_config.problems import Finding, Loc

_COUNT_MAX: Final = 999_999_999
#: A language of a model, the same in the file, and how it separates items.
_LANGUAGES: Final = (("zh_cn", "zh-CN", "、"), ("en", "en", ", "))


def triggers_differ(entry: OfferEntry | InvitationEntry) -> Iterator[Finding]:
    """No trigger is named twice."""
    for i, trigger in enumerate(entry.triggers):
        if trigger in entry.triggers[:i]:
            yield Finding(("triggers", i), say.LISTED_ALREADY(touchpoint=trigger.label))


def has_a_trigger(offer: OfferEntry) -> Iterator[Finding]:
    """Something sets the offer off."""
    if not offer.triggers and offer.silent_days is None:
        yield Finding((), say.SET_OFF_BY_NOTHING())


def lives_for_one_time(entry: OfferEntry | InvitationEntry) -> Iterator[Finding]:
    """A lifetime is given in one unit."""
    if len(entry.lifetime.model_fields_set) != 1:
        yield Finding(("lifetime",), say.NEEDS_ONE_OF(names=either(LifetimeEntry.model_fields)))


def benefits_do_one_thing(offer: OfferEntry) -> Iterator[Finding]:
    """An effect is of one kind."""
    for i, step in enumerate(offer.benefits):
        if step.effect is not None and len(step.effect.model_fields_set) != 1:
            message = say.NEEDS_ONE_OF(names=either(EffectEntry.model_fields))
            yield Finding(("benefits", i, "effect"), message)


def in_version(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    """What has to fit between the offers of a version and its other settings."""
    if "invitation" in version and version.get("consent") == ConsentMode.OPT_OUT.value:
        yield Finding((*at, "invitation"), say.INVITES_IN_VAIN(), at_name=True)
    try:
        reasons = ReasonTexts.model_validate(version.get("reasons", {}))
    except ValidationError:
        return
    yield from _reasons_in_both_languages(reasons, (*at, "reasons"))
    texts = {"zh_cn": reasons.zh_cn, "en": reasons.en}
    mentioned = [*{**reasons.zh_cn, **reasons.en}] or [*Touchpoint]
    for loc, block in entries(version, "offers", at):
        try:
            offer = OfferEntry.model_validate(block)
        except ValidationError:
            continue
        for finding in _too_long(offer, texts, mentioned):
            yield finding._replace(loc=(*loc, *finding.loc))


def _reasons_in_both_languages(reasons: ReasonTexts, at: Loc) -> Iterator[Finding]:
    texts = {"zh-CN": reasons.zh_cn, "en": reasons.en}
    for given, other in (("zh-CN", "en"), ("en", "zh-CN")):
        for touchpoint in sorted(texts[given].keys() - texts[other].keys()):
            message = say.NO_TEXT_IN_OTHER_LANGUAGE(language=other)
            yield Finding((*at, given, touchpoint.label), message, at_name=True)


def _too_long(
    offer: OfferEntry, reasons: Mapping[str, Mapping[Touchpoint, str]], mentioned: Any
) -> Iterator[Finding]:
    for name, language, comma in _LANGUAGES:
        words = reasons.get(name, {})
        spoken = [
            words.get(t, f"{{count}} × {t.label}").format(count=_COUNT_MAX) for t in mentioned
        ]
        longest = getattr(offer.text, name).format(
            points=f"{POINTS_MAX:,}",
            reasons=comma.join(spoken),
            benefits=comma.join(getattr(step.text, name) for step in offer.benefits),
        )
        if len(longest) > TEXT_CHARS_MAX:
            message = say.OFFER_TOO_LONG(longest=len(longest), most=TEXT_CHARS_MAX)
            yield Finding(("text", language), message)
