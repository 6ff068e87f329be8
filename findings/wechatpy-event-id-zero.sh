#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# wechatpy 1.8.18 (PyPI).
#
# WeChat gives each message of a user a MsgId and advises to drop repetitions by it; pushes of events
# (subscribe, SCAN and so on) have none: there the openid and CreateTime together are the key. The
# parser gives every such event the id 0. Whoever drops repetitions by `message.id` keeps the first
# event of all and drops everybody else's.
#
# Seen: id 0 for the subscribe of one user and for the SCAN of another; 7 for a text with MsgId 7.
#
# Needs: python3. Some seconds.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q wechatpy==1.8.18 cryptography==46.0.3
"$dir/venv/bin/python" -W ignore - <<'EOF'
from wechatpy import parse_message

PUSH = """<xml><ToUserName>gh_example</ToUserName><FromUserName>{openid}</FromUserName>
<CreateTime>{time}</CreateTime>{rest}</xml>"""
EVENT = "<MsgType>event</MsgType><Event>{}</Event><EventKey>{}</EventKey><Ticket>example</Ticket>"
pushes = [
    PUSH.format(openid="oA", time=1767323045, rest=EVENT.format("subscribe", "qrscene_12")),
    PUSH.format(openid="oB", time=1767323046, rest=EVENT.format("SCAN", "12")),
    PUSH.format(
        openid="oC", time=1767323047,
        rest="<MsgType>text</MsgType><Content>hello</Content><MsgId>7</MsgId>",
    ),
]
found = [(type(one).__name__, one.source, one.id) for one in map(parse_message, pushes)]
print(found)
assert found == [("SubscribeScanEvent", "oA", 0), ("ScanEvent", "oB", 0), ("TextMessage", "oC", 7)], "changed"
EOF
