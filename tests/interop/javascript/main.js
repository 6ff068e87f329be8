// SPDX-License-Identifier: Apache-2.0
// The JavaScript SDK with kafkajs; see ../exchange.py for what it is asked to do.
import { readFileSync } from "node:fs";
import { CloudEvent, Kafka as Binding } from "cloudevents";
import { Kafka, logLevel } from "kafkajs";

const [verb, bootstrap, ...rest] = process.argv.slice(2);
const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR });
await (verb === "publish" ? publish(...rest) : read(...rest));

async function publish(file) {
  const producer = kafka.producer();
  await producer.connect();
  for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean)) {
    const { topic, event } = JSON.parse(line);
    const said = new CloudEvent(event);
    const { data, ...attributes } = event;
    const asBytes = new CloudEvent({ ...attributes, data: new TextEncoder().encode(JSON.stringify(data)) });
    const messages = [Binding.binary(said), Binding.structured(said), Binding.structured(asBytes)];
    await producer.send({ topic, messages: messages.map(written) });
  }
  await producer.disconnect();
}

// kafkajs wants bytes or text, the SDK gives the data as they are. It sets the record's timestamp.
function written({ key, value, headers, timestamp }) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const present = Object.entries(headers).filter(([, header]) => header !== undefined);
  return { key, value: text, headers: Object.fromEntries(present), timestamp };
}

async function read(topic, count) {
  const consumer = kafka.consumer({ groupId: `javascript-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let left = Number(count);
  await new Promise((done, fail) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => fail(payload.error));
    consumer.run({
      eachMessage: async ({ message }) => {
        console.log(JSON.stringify(heard(message)));
        if (--left === 0) done();
      },
    });
  });
  await consumer.disconnect();
}

function heard(message) {
  const texts = Object.entries(message.headers).map(([name, value]) => [name, value.toString()]);
  const headers = Object.fromEntries(texts);
  // The SDK takes no message without a value, whatever its headers say: look before it does.
  if (message.value === null) {
    return { type: headers.ce_type, subject: message.key.toString(), data: false };
  }
  const event = Binding.toEvent({ ...message, headers });
  return { type: event.type, subject: event.subject, data: event.data !== undefined };
}
