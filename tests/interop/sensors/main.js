// SPDX-License-Identifier: Apache-2.0
// The Sensors SDKs of mini-programs and of web pages, each in a stand-in for where it lives; see
// ../sensors.py for what is expected. node main.js mini-program|web SERVER_URL
"use strict";
const [place, serverUrl] = process.argv.slice(2);
const done = { "mini-program": miniProgram, web }[place](serverUrl);
done.then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });

// WeChat's globals, as far as the SDK uses them: a launch by a code at the door, then a page.
async function miniProgram(server_url) {
  const stored = new Map(), requests = [], launch = { scene: 1047, path: "pages/menu", query: {} };
  const ok = (options, result) => { options.success?.(result); options.complete?.(result); };
  globalThis.wx = {
    getAccountInfoSync: () => ({ miniProgram: { appId: "wx1a2b3c4d5e6f7a02" } }),
    getLaunchOptionsSync: () => launch,
    getNetworkType: (options) => ok(options, { networkType: "wifi" }),
    getStorage: (options) => ok(options, { data: stored.get(options.key) }),
    getStorageSync: (key) => stored.get(key) ?? "",
    getSystemInfo: (options) => ok(options, { system: "iOS 17", platform: "ios", SDKVersion: "3.0.0" }),
    onAppHide() {},
    onAppShow() {},
    onNetworkStatusChange() {},
    request({ url, method, data, header, success, fail }) {
      const headers = { "content-type": "application/json", ...header }; // as wx.request does
      const sent = fetch(url, { method, body: data, headers });
      requests.push(sent.then((r) => success({ statusCode: r.status, data: "" }), fail));
    },
    setNavigationBarTitle() {},
    setStorageSync: (key, value) => void stored.set(key, value),
  };
  const page = { route: "pages/menu", options: { table: "7" }, __displayReporter: {} };
  globalThis.getCurrentPages = () => [page];
  globalThis.App = (options) => { options.onLaunch.call(options, launch); options.onShow.call(options, launch); };
  globalThis.Component = () => {};
  globalThis.Page = (options) => { options.onLoad.call(page, page.options); options.onShow.call(page); };

  const sensors = require("sa-sdk-miniprogram");
  sensors.setPara({ server_url, batch_send: { send_timeout: 200, max_length: 3 } });
  sensors.init();
  App({ onLaunch() {}, onShow() {} });
  Page({ onLoad() {}, onShow() {} });
  sensors.track("ViewProduct", { product_id: "latte", product_name: "拿铁?>~", product_price: 18.5 });
  sensors.track("AddToCart", { product_id: "latte", product_price: 9.999 });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await Promise.all(requests);
}

// One page for each way in which the SDK sends.
async function web(server_url) {
  const { readFileSync } = require("node:fs");
  const { JSDOM } = require("jsdom");
  const sdk = readFileSync(require.resolve("sa-sdk-javascript"), "utf8");
  for (const settings of [{ send_type: "ajax" }, { send_type: "image" }, { batch_send: { send_interval: 300 } }]) {
    const way = settings.send_type ?? "batch";
    const { window } = new JSDOM("<body></body>", {
      url: `https://shop.abc.example/${way}`, runScripts: "outside-only", pretendToBeVisual: true,
    });
    // jsdom loads no pictures by itself.
    Object.defineProperty(window.HTMLImageElement.prototype, "src", { set: (url) => void fetch(url) });
    window.eval(sdk);
    const sensors = window.sensorsDataAnalytic201505;
    sensors.init({ server_url, heatmap: { clickmap: "not_collect" }, ...settings });
    sensors.quick("autoTrack");
    sensors.track("ViewProduct", { product_id: way, product_price: "18.50" });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    window.close();
  }
}
