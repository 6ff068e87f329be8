#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cloudevents 1.13.0 and 2.2.0 (PyPI), the official Python SDK.
#
# CloudEvents makes the data of an event optional, and compaction in Kafka wants a null value. In
# version 1 neither end of the Kafka binding takes such an event with its defaults: reading hands the
# null to json.loads, writing looks for an attribute datacontenttype that need not be there. A reader
# with an unmarshaller of its own gets through. Version 2 reads it.
#
# Seen: 1.13.0 from_binary raises DataUnmarshallerError, to_binary raises KeyError, and from_binary
# with an unmarshaller returns the event; 2.2.0 from_binary_event returns it with data None.
#
# Needs: python3. A quarter of a minute.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for version in 1.13.0 2.2.0; do
    python3 -m venv "$dir/$version"
    "$dir/$version/bin/pip" install -q "cloudevents==$version"
done
cat >"$dir/record.py" <<'EOF'
HEADERS = {
    "ce_specversion": b"1.0", "ce_id": b"1", "ce_source": b"urn:example", "ce_type": b"example.gone",
}
EOF
"$dir/1.13.0/bin/python" - "$dir" <<'EOF'
import sys

sys.path.insert(0, sys.argv[1])
from cloudevents.exceptions import DataUnmarshallerError
from cloudevents.http import CloudEvent
from cloudevents.kafka import KafkaMessage, from_binary, to_binary
from record import HEADERS

record = KafkaMessage(headers=HEADERS, key=b"k", value=None)
try:
    sys.exit(f"changed: 1.13.0 reads {from_binary(record)}")
except DataUnmarshallerError as error:
    print("1.13.0 from_binary:", type(error).__name__)
event = from_binary(record, data_unmarshaller=lambda value: value)
assert event["type"] == "example.gone" and event.data is None, "changed"
print("1.13.0 from_binary, own unmarshaller:", event["type"], event.data)
try:
    sys.exit(f"changed: 1.13.0 writes {to_binary(CloudEvent({'type': 'a', 'source': 'b'}, None))}")
except KeyError as error:
    print("1.13.0 to_binary: KeyError", error)
EOF
"$dir/2.2.0/bin/python" - "$dir" <<'EOF'
import sys

sys.path.insert(0, sys.argv[1])
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from record import HEADERS

event = from_binary_event(KafkaMessage(headers=HEADERS, key=b"k", value=None))
assert event.get_type() == "example.gone" and event.get_data() is None, "changed"
print("2.2.0 from_binary_event:", event.get_type(), event.get_data())
EOF
