# SPDX-License-Identifier: Apache-2.0
"""Sentences about the apps file."""

from __future__ import annotations

from stream.language.message import Message

ACCOUNT_IS_APPID = Message(
    "'{account}' is an appid; give the account another name",
    "「{account}」是 appid；请给开放平台账号另取名称",
)
MOVE_IS_HALF = Message(
    "former_open_account and moved_at come together; add the other one",
    "former_open_account 和 moved_at 必须同时出现；请补上另一个",
)
MOVED_TO_NO_ACCOUNT = Message(
    "an app that has moved needs open_account, the account it is in now",
    "迁移过的应用需要 open_account，即它现在所属的账号",
)
MOVED_NOWHERE = Message("must be another account than open_account", "不能与 open_account 相同")
NOT_PUSHED = Message("WeChat pushes messages of {kinds} only", "微信只推送 {kinds} 的消息")
PUSH_NEEDS_KEY = Message(
    "needs aes_key_env, unless its mode is plain", "需要 aes_key_env，除非 mode 是 plain"
)
NEEDS_ORIGINAL_ID = Message("needs the app's original_id", "需要该应用的 original_id")
FORWARD_NOWHERE = Message(
    "says what goes to forward_to; add the address",
    "说明哪些内容转发到 forward_to；请补上 forward_to 的地址",
)
APP_NOT_LISTED_ABOVE = Message(
    "no app '{appid}' is listed above; {known}", "上面没有列出应用「{appid}」；{known}"
)
APP_NOT_LISTED = Message("no app '{name}' is listed; {known}", "没有列出应用「{name}」；{known}")
ACCOUNT_NOT_LISTED = Message(
    "no account '{name}' is listed; {known}", "没有列出账号「{name}」；{known}"
)

# the brand's own endpoints ------------------------------------------------------------------------
NO_ADDRESS = Message(
    "must be an address such as https://tickets.abc.example, without user and query",
    "必须是 https://tickets.abc.example 这样的地址，不带用户名和查询参数",
)
NO_FORWARD_ADDRESS = Message(
    "must be an address such as https://crm.abc.example/wechat, without user",
    "必须是 https://crm.abc.example/wechat 这样的地址，不带用户名",
)
NO_CLIENT_ID = Message(
    "'{text}' must be 1 to 32 of the characters A-Z, a-z, 0-9, _ and -",
    "「{text}」只能由 1 到 32 个 A-Z、a-z、0-9、_、- 字符组成",
)
NO_ORGANIZER = Message(
    "'{text}' must be the short name of a pretix organizer",
    "「{text}」必须是 pretix 主办方的短名称",
)
NO_USER_NAME = Message(
    "'{text}' must be a user name of A-Z, a-z, 0-9, _, ., @ and -",
    "「{text}」必须是由 A-Z、a-z、0-9、_、.、@、- 组成的用户名",
)
NO_QUESTION = Message(
    "'{text}' must be the identifier that pretix shows at the question",
    "「{text}」必须是 pretix 在该问题处显示的标识",
)
NOT_OF_THE_KIND = Message(
    "clients of kind {kind} do not report '{type}'; {known}",
    "{kind} 类型的客户端不上报「{type}」；{known}",
)
NEEDS_MERCHANTS = Message(
    "a client that reports '{type}' needs mchids, its merchant numbers",
    "上报「{type}」的客户端需要 mchids，即它的商户号",
)
NEEDS_RIGHT = Message(
    "a client that reports '{type}' needs rights: [{right}]",
    "上报「{type}」的客户端需要 rights: [{right}]",
)
HOLDS_NEEDS = Message("holds: {holds} also needs {setting}", "holds: {holds} 还需要 {setting}")
SDK_NEEDS_SESSIONS = Message(
    "clients of kind sdk need sessions: {{key_env: ...}} at the top of the file",
    "sdk 类型的客户端需要在文件顶层写 sessions: {{key_env: ...}}",
)
TOKENS_NEED_SESSIONS = Message(
    "session tokens need sessions: {{key_env: ...}} at the top of the file",
    "使用会话令牌需要在文件顶层写 sessions: {{key_env: ...}}",
)

# secrets ------------------------------------------------------------------------------------------
KEY_SHARED = Message(
    "is also the key of '{client}'; give each client its own",
    "也是「{client}」的密钥；请给每个客户端各自的密钥",
)
