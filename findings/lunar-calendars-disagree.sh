#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sxtwl 2.0.7, lunar_python 1.4.8, borax 4.1.3, LunarCalendar 0.0.9, lunardate 0.3.0 (PyPI).
#
# Five Python libraries for the Chinese calendar agree on all of 1901 to 2099 but for a few months,
# and which of them differs changes with the month: each is right and wrong somewhere. A campaign at
# Mid-Autumn or a lunar birthday is a day off there.
#
# Seen: lunardate has Mid-Autumn 1978 a day early, as almanacs of Hong Kong printed it; mainland
# China kept it on 17 September. LunarCalendar, borax and lunar_python begin the 9th month of 2057 a
# day later than sxtwl and lunardate; LunarCalendar and borax do so with the 7th month of 2097.
#
# Needs: python3. A quarter of a minute.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q sxtwl==2.0.7 lunar_python==1.4.8 borax==4.1.3 LunarCalendar==0.0.9 \
    lunardate==0.3.0
"$dir/venv/bin/python" -W ignore - <<'EOF'
from datetime import date

import lunar_python
import lunardate
import sxtwl
from borax.calendars.lunardate import LunarDate
from lunarcalendar import Converter, Solar


def by_sxtwl(day):
    found = sxtwl.fromSolar(day.year, day.month, day.day)
    return found.getLunarMonth(), found.getLunarDay()


def by_lunar_python(day):
    found = lunar_python.Solar.fromYmd(day.year, day.month, day.day).getLunar()
    return abs(found.getMonth()), found.getDay()


def by_borax(day):
    found = LunarDate.from_solar(day)
    return found.month, found.day


def by_lunarcalendar(day):
    found = Converter.Solar2Lunar(Solar(day.year, day.month, day.day))
    return found.month, found.day


def by_lunardate(day):
    found = lunardate.LunarDate.fromSolarDate(day.year, day.month, day.day)
    return found.month, found.day


SEEN = {  # the lunar month and day of a Gregorian one: sxtwl and whoever says something else
    date(1978, 9, 17): {"lunardate": (8, 16), "others": (8, 15)},
    date(2057, 9, 28): {
        "borax": (8, 30), "lunarcalendar": (8, 30), "lunar_python": (8, 30), "others": (9, 1)
    },
    date(2097, 8, 7): {"borax": (6, 30), "lunarcalendar": (6, 30), "others": (7, 1)},
    date(2033, 12, 22): {"others": (11, 1)},  # the leap month that old tables got wrong: all agree
}
LIBRARIES = {
    name.removeprefix("by_"): found for name, found in globals().items() if name.startswith("by_")
}
for day, seen in SEEN.items():
    said = {name: found(day) for name, found in LIBRARIES.items()}
    print(day, said)
    assert said == {name: seen.get(name, seen["others"]) for name in LIBRARIES}, "changed"
EOF
