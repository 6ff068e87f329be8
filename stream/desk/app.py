# SPDX-License-Identifier: Apache-2.0
"""The desk's web application: sessions, languages, pages. It has no script at all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from schemas import Reason
from stream.desk.figures import OFFERS, OVERVIEW, RULES, figures, outcomes
from stream.desk.health import health_page
from stream.desk.identifiers import IDENTIFIER_CHARS_MAX, find, masked
from stream.desk.letters import Filter, letters_page, replay
from stream.desk.person import person_page
from stream.desk.rules import rules_page
from stream.desk.sessions import COOKIE, SESSION_S, Gate, Sessions, TooManyTries
from stream.desk.sources import NEWEST_MAX, PAGE_WITHIN_S, Sources
from stream.desk.table import chart_of
from stream.kafka.connection_errors import TopicsUnfit
from stream.language import desk_messages as m
from stream.language import report_messages as r
from stream.language.message import Language, Phrase, speaking
from stream.tables import TablesUnavailable

_log = logging.getLogger(__name__)

FORM_BYTES_MAX: Final = 4_096
_LANGUAGE_COOKIE: Final = "shadowpoints-desk-language"
_PAGES: Final = (
    ("/", m.P_OVERVIEW),
    ("/offers", m.P_OFFERS),
    ("/rules", m.P_RULES),
    ("/person", m.P_PERSON),
    ("/letters", m.P_LETTERS),
    ("/health", m.P_HEALTH),
)
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not no-referrer: a form would then come from the origin "null"
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """What a view has to show: a template with its values."""

    template: str
    title: Phrase
    values: Mapping[str, Any]
    status: int = 200


View = Callable[[Request, Form], Awaitable[Page | Response]]


class Desk:
    """The application: ``gate`` opens it, and ``second`` the replay of dead letters."""

    def __init__(
        self,
        sources: Sources,
        gate: Gate,
        second: Gate | None = None,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._sources, self._gate, self._second = sources, gate, second
        self._sessions = Sessions(clock_s)

    def app(self) -> Starlette:
        """The ASGI application."""
        views: dict[str, View] = {
            "/": self._overview,
            "/offers": self._offers,
            "/rules": self._rules,
            "/person": self._person,
            "/letters": self._letters,
            "/replay": self._replay,
            "/health": self._health,
        }
        both = ["GET", "POST"]
        return Starlette(
            routes=[
                Route("/desk.css", _style),
                Route("/login", self._endpoint(self._login, guarded=False), methods=both),
                Route("/logout", self._endpoint(self._logout), methods=["POST"]),
                *(Route(path, self._endpoint(v), methods=both) for path, v in views.items()),
            ],
            exception_handlers={HTTPException: self._endpoint(_not_found, guarded=False)},
        )

    def _endpoint(self, view: View, *, guarded: bool = True) -> Callable[..., Any]:
        async def handle(request: Request, _: Exception | None = None) -> Response:
            form = await _form(request)
            language = _language(request, form)
            with speaking(language):
                if form is None:
                    shown: Page | Response = _trouble(m.FOREIGN_FORM(), 403)
                elif guarded and not self._sessions.knows(request.cookies.get(COOKIE, "")):
                    shown = RedirectResponse("/login", 303)
                else:
                    shown = await _in_time(view, request, form)
                if isinstance(shown, Page):
                    shown = _rendered(shown, request, form or {}, guarded=guarded)
            shown.headers.update(_HEADERS)
            shown.headers["Content-Language"] = language
            if request.query_params.get("lang") or (form and form.get("lang")):
                shown.set_cookie(
                    _LANGUAGE_COOKIE, language, max_age=31_536_000, httponly=True, samesite="strict"
                )
            return shown

        return handle

    async def _login(self, request: Request, form: Form) -> Page | Response:
        if "token" not in form:
            return Page("login.html", m.SIGN_IN(), {"problem": None})
        try:
            opens = self._gate.opens(form["token"])
        except TooManyTries:
            return Page("login.html", m.SIGN_IN(), {"problem": m.TOO_MANY_TRIES()}, 429)
        if not opens:
            _log.warning("A wrong token was given")
            return Page("login.html", m.SIGN_IN(), {"problem": m.TOKEN_WRONG()}, 403)
        _log.info("Somebody signed in")
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            COOKIE, self._sessions.new(), max_age=SESSION_S, httponly=True, samesite="strict"
        )
        return answer

    async def _logout(self, request: Request, form: Form) -> Response:
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    async def _overview(self, request: Request, form: Form) -> Page:
        note, sections = figures(self._sources.report, OVERVIEW)
        return _tables(m.P_OVERVIEW(), [await outcomes(self._sources), *sections], note)

    async def _offers(self, request: Request, form: Form) -> Page:
        note, sections = figures(self._sources.report, OFFERS)
        return _tables(m.P_OFFERS(), sections, note)

    async def _rules(self, request: Request, form: Form) -> Page:
        sections, calendar = await rules_page(self._sources)
        note, more = figures(self._sources.report, RULES)
        values = {"sections": [*sections, *more], "note": note, "calendar": calendar}
        return Page("rules.html", m.P_RULES(), values)

    async def _health(self, request: Request, form: Form) -> Page:
        return _tables(m.P_HEALTH(), await health_page(self._sources), None)

    async def _person(self, request: Request, form: Form) -> Page:
        asked, whole = form.get("who", "").strip()[:IDENTIFIER_CHARS_MAX], "whole" in form
        values: dict[str, Any] = {"who": asked, "whole": whole, "note": None, "choices": []}
        values["sections"] = []
        if asked and request.method == "POST":
            found = await find(self._sources, asked)
            shown = None
            if len(found.people) == 1:
                shown = await person_page(self._sources, found.people[0], whole=whole)
            if shown is not None:
                values["sections"] = shown.sections
            elif found.people[1:]:
                values["note"] = m.SEVERAL()
                values["choices"] = [(key, key if whole else masked(key)) for key in found.people]
            else:
                searched = m.SEARCHED(records=f"{NEWEST_MAX:,}") if found.searched else ""
                values["note"] = f"{m.NOBODY()} {searched}"
        return Page("person.html", m.P_PERSON(), values)

    async def _letters(self, request: Request, form: Form) -> Page:
        given = {**request.query_params, **form}
        wanted = Filter.of(given, self._sources.settings)
        values = self._filter_values(wanted) | {
            "sections": await letters_page(self._sources, wanted),
            "can_replay": self._second is not None,
            "note": None,
        }
        return Page("letters.html", m.P_LETTERS(), values)

    async def _replay(self, request: Request, form: Form) -> Page | Response:
        if self._second is None or request.method != "POST":
            return RedirectResponse("/letters", 303)
        wanted = Filter.of(form, self._sources.settings)
        values: dict[str, Any] = self._filter_values(wanted) | {"problem": None, "done": None}
        if token := form.get("token"):
            values["problem"] = _problem(self._second, token)
        really = bool(token) and values["problem"] is None
        counts = await replay(self._sources, wanted, really=really)
        if really:
            left = counts.already + counts.foreign + counts.erased + counts.shortened
            left += counts.refused
            values["done"] = m.REPLAYED_NOW(count=f"{counts.replayed:,}", left=f"{left:,}")
            _log.warning("Replayed %d dead letters", counts.replayed)
        values["ask"] = m.ASK_REPLAY(count=f"{counts.replayed:,}")
        return Page("replay.html", m.REPLAY(), values, 403 if values["problem"] else 200)

    def _filter_values(self, wanted: Filter) -> dict[str, Any]:
        return {
            "wanted": wanted,
            "reasons": [reason.value for reason in Reason],
            "topics": self._sources.settings.topics.sources,
        }


def _problem(gate: Gate, token: str) -> Phrase | None:
    try:
        return None if gate.opens(token) else m.TOKEN_WRONG()
    except TooManyTries:
        return m.TOO_MANY_TRIES()


def _tables(title: Phrase, sections: list[Any], note: Phrase | None) -> Page:
    return Page("tables.html", title, {"sections": sections, "note": note})


async def _in_time(view: View, request: Request, form: Form) -> Page | Response:
    try:
        async with asyncio.timeout(PAGE_WITHIN_S):
            return await view(request, form)
    except TimeoutError:
        return _trouble(m.NOT_IN_TIME(), 503)
    except TopicsUnfit as error:
        return _trouble(" ".join(map(str, error.problems)), 503)
    except TablesUnavailable as error:
        return _trouble(str(error), 503)


def _trouble(sentence: Phrase | str, status: int) -> Page:
    return Page("trouble.html", m.TROUBLE(), {"sentence": sentence}, status)


async def _not_found(request: Request, form: Form) -> Page:
    return _trouble(m.NO_SUCH_PAGE(), 404)


async def _form(request: Request) -> Form | None:
    """The fields of a form; ``None`` for one that another site sent, or that is too large."""
    if request.method != "POST":
        return {}
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            return None
    return dict(
        parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    )


def _language(request: Request, form: Form | None) -> Language:
    """As chosen, now or before, or else the first of the browser's that is ours."""
    chosen = (form or {}).get("lang") or request.query_params.get("lang")
    for name in (chosen, request.cookies.get(_LANGUAGE_COOKIE)):
        if name in set(Language):
            return Language(name)
    for accepted in request.headers.get("accept-language", "").lower().split(","):
        if accepted.strip()[:2] in set(Language):
            return Language(accepted.strip()[:2])
    return Language.EN


def _rendered(page: Page, request: Request, form: Form, *, guarded: bool) -> HTMLResponse:
    template = _environment().get_template(page.template)
    language = Language.ZH if str(r.LANGUAGE_TAG()) != "en" else Language.EN
    other, name = ("en", "English") if language is Language.ZH else ("zh", "中文")
    hidden = {**request.query_params, **form} if request.url.path in ("/person", "/letters") else {}
    text = template.render(
        m=m,
        language=str(r.LANGUAGE_TAG()),
        title=page.title,
        pages=[(path, said()) for path, said in _PAGES] if guarded else [],
        here=request.url.path,
        other=other,
        other_name=name,
        method=request.method.lower() if request.url.path == "/person" else "get",
        hidden={k: v for k, v in hidden.items() if k != "lang"},
        nothing=r.NOTHING_COUNTED(),
        chart_of=chart_of,
        **page.values,
    )
    return HTMLResponse(text, page.status)


async def _style(request: Request) -> Response:
    return Response(_css(), media_type="text/css", headers=dict(_HEADERS))


@cache
def _css() -> str:
    return files("stream.desk").joinpath("templates/desk.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=ChoiceLoader([PackageLoader("stream.desk"), PackageLoader("stream.report")]),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
