# SPDX-License-Identifier: Apache-2.0
"""Version 1 of the Python SDK; see ../exchange.py for what it is asked to do."""

import json
import sys
from pathlib import Path

from cloudevents.http import CloudEvent
from cloudevents.kafka import KafkaMessage, from_binary, to_binary, to_structured
from confluent_kafka import Consumer, Producer, TopicPartition


def publish(bootstrap: str, file: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    for line in Path(file).read_text("utf-8").splitlines():
        said = json.loads(line)
        data = said["event"].pop("data")
        event = CloudEvent.create(said["event"], data)
        as_bytes = CloudEvent.create(said["event"], json.dumps(data).encode())
        for message in (to_binary(event), to_structured(event), to_structured(as_bytes)):
            producer.produce(said["topic"], message.value, headers=message.headers)
    assert producer.flush(30) == 0


def read(bootstrap: str, topic: str, count: str) -> None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "python1"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    for record in consumer.consume(int(count), 30):
        message = KafkaMessage(dict(record.headers()), record.key(), record.value())
        event = from_binary(message, data_unmarshaller=lambda value: value and json.loads(value))
        seen = {"type": event["type"], "subject": event["subject"], "data": event.data is not None}
        print(json.dumps(seen), flush=True)
    consumer.close()


{"publish": publish, "read": read}[sys.argv[1]](*sys.argv[2:])
