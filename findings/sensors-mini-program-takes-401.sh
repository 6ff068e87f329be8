#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sa-sdk-miniprogram 1.17.9 (npm), the Sensors analytics SDK for WeChat mini-programs.
#
# In batches, the SDK keeps events in the mini-program's storage until they are sent. It goes by
# whether wx.request succeeded, which in WeChat it does for every HTTP answer: a server which refuses
# events with 401 has them dropped from the storage. After a request that failed they are sent again.
#
# Seen: of a server which answers 401 to everything, one delivery of the event; where the first
# requests fail, the event comes once they no longer do.
#
# Needs: node, npm. A quarter of a minute.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund sa-sdk-miniprogram@1.17.9
cat >app.js <<'EOF'
"use strict";
const fails = Number(process.argv[2]); // how many requests get no answer; the rest get 401
const stored = new Map(), launch = { scene: 1001, path: "pages/index", query: {} };
const ok = (options, result) => { options.success?.(result); options.complete?.(result); };
const seen = { failed: 0, answered: 0 };
globalThis.wx = {
  getAccountInfoSync: () => ({ miniProgram: { appId: "wx0000000000000000" } }),
  getLaunchOptionsSync: () => launch,
  getNetworkType: (options) => ok(options, { networkType: "wifi" }),
  getStorage: (options) => ok(options, { data: stored.get(options.key) }),
  getStorageSync: (key) => stored.get(key) ?? "",
  getSystemInfo: (options) => ok(options, { system: "iOS 17", platform: "ios", SDKVersion: "3.0.0" }),
  onAppHide() {}, onAppShow() {}, onNetworkStatusChange() {}, setNavigationBarTitle() {},
  setStorageSync: (key, value) => void stored.set(key, value),
  request({ data, success, fail }) {
    const form = new URLSearchParams(data);
    const sent = Buffer.from(form.get("data_list") ?? form.get("data") ?? "", "base64").toString();
    if (!sent.includes("Tasted")) return void setTimeout(() => success({ statusCode: 200 }), 10);
    if (seen.failed < fails) { seen.failed += 1; return void setTimeout(() => fail({}), 10); }
    seen.answered += 1;
    setTimeout(() => success({ statusCode: 401, data: "" }), 10);
  },
};
globalThis.getCurrentPages = () => [];
globalThis.App = globalThis.Page = globalThis.Component = () => {};
const sensors = require("sa-sdk-miniprogram");
sensors.setPara({ server_url: "https://example.invalid/sa", batch_send: { send_timeout: 200, max_length: 3 } });
sensors.init();
sensors.track("Tasted", { cup: 1 });
const again = setInterval(() => sensors.track("Other", {}), 300); // the SDK has reasons to send
setTimeout(() => { clearInterval(again); console.log(JSON.stringify(seen)); process.exit(0); }, 5000);
EOF
refused=$(node app.js 0 | tail -n 1)
retried=$(node app.js 2 | tail -n 1)
echo "all answered 401: $refused"
echo "two requests failed first: $retried"
[ "$refused" = '{"failed":0,"answered":1}' ] || { echo "changed: refused events are sent again"; exit 1; }
[ "$retried" = '{"failed":2,"answered":1}' ] || { echo "changed: failed requests are not repeated"; exit 1; }
