#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cloudevents 10.0.0 (npm), the official JavaScript SDK.
#
# The Kafka message which it makes of an event carries the event's own time as the record's
# timestamp, and the usual client (kafkajs) sends that. The broker's retention goes by it: a valid
# event about something two weeks ago may be deleted from a topic with seven days of retention
# before anybody has read it, and consumers which take the record's time for the time of publishing
# are told the event's. Topics with message.timestamp.type=LogAppendTime are not concerned.
#
# Seen: timestamp 1767323045000 for the time 2026-01-02T03:04:05Z, in both modes.
#
# Needs: node, npm. Some seconds.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit cloudevents@10.0.0 >/dev/null
node - <<'EOF'
const { CloudEvent, Kafka } = require("cloudevents");
const event = new CloudEvent({
  id: "1", source: "urn:example:till", type: "example", time: "2026-01-02T03:04:05Z", data: { n: 1 },
});
for (const mode of ["binary", "structured"]) {
  const { timestamp } = Kafka[mode](event);
  console.log(mode, timestamp);
  if (Number(timestamp) !== Date.parse("2026-01-02T03:04:05Z")) throw new Error("changed");
}
EOF
