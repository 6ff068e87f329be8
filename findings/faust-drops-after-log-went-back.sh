#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# faust-streaming 0.15.3 with aiokafka 0.14.0 on Apache Kafka 4.1.0.
#
# A partition's log goes back while a worker lives: a broker's disk is restored from an older copy.
# aiokafka notices that its offset is out of range and reads from the earliest record again. Faust
# then drops every record whose offset is not above the highest it has read, and says so below DEBUG
# only. New records at old offsets never reach the agent.
#
# Seen: of 10 + 30 records the log keeps 10; of 15 new ones, at offsets 10 to 24, the agent meets
# none; the next 20, at offsets 25 to 44, arrive from offset 39 on.
#
# Needs: python3 (3.11 or later), java (17 or later), mvn. About a minute and a half.
set -euo pipefail

dir=$(mktemp -d)
broker='' worker=''
finish() {
    for pid in $worker $broker; do
        disown "$pid"
        kill -9 "$pid" || true
    done
    rm -rf "$dir"
}
trap finish EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install -q aiokafka==0.14.0 faust-streaming==0.15.3 mode-streaming==0.7.1
cat >pom.xml <<'EOF'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.1.0</version>
  </dependency></dependencies>
</project>
EOF
mvn -q -B -Dstyle.color=never dependency:copy-dependencies -DoutputDirectory=jars

read -r port controller < <(venv/bin/python -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in held))')
cat >server.properties <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/data
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
EOF
java -cp 'jars/*' kafka.tools.StorageTool format --standalone -c server.properties \
    -t "$(java -cp 'jars/*' kafka.tools.StorageTool random-uuid 2>/dev/null)" >/dev/null 2>&1

cat >app.py <<'EOF'
import sys
import faust

app = faust.App("finding", broker=f"kafka://127.0.0.1:{sys.argv.pop()}", store="memory://")
events = app.topic("events", value_type=bytes, value_serializer="raw")

@app.agent(events)
async def keep(stream):
    async for event in stream.events():
        with open("seen", "a") as seen:
            print(event.message.offset, event.value.decode(), file=seen)

app.main()
EOF
cat >send.py <<'EOF'
"""Wait for the broker, then send COUNT records PREFIX0, PREFIX1 and so on."""
import asyncio, sys
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

async def main(port: str, prefix: str, count: int) -> None:
    address = f"127.0.0.1:{port}"
    for _ in range(60):
        admin = AIOKafkaAdminClient(bootstrap_servers=address)
        try:
            await admin.start()
            break
        except Exception:
            await admin.close()
            await asyncio.sleep(1)
    await admin.create_topics([NewTopic("events", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as producer:
        for number in range(count):
            await producer.send_and_wait("events", f"{prefix}{number}".encode(), partition=0)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
EOF

send() { venv/bin/python send.py "$port" "$1" "$2" 2>/dev/null; }
start_broker() {
    java -Xmx300m -cp 'jars/*' kafka.Kafka server.properties >broker.log 2>&1 &
    broker=$!
}
stop_broker() {
    kill "$broker"
    wait "$broker" || true
}
wait_for() { # LAST_VALUE SECONDS
    for _ in $(seq "$2"); do
        grep -qs " $1\$" seen && return
        sleep 1
    done
    return 1
}

start_broker
send before 10
stop_broker
cp -r data/events-0 copy
start_broker
send lost 30
venv/bin/python app.py worker --without-web -l info "$port" >worker.log 2>&1 &
worker=$!
wait_for lost29 60 || { echo "the worker never read the first 40 records"; exit 1; }
stop_broker
rm -r data/events-0
cp -r copy data/events-0
start_broker
send new 15
sleep 20
send later 20
wait_for later19 60 || { echo "changed: not even the last record arrived"; exit 1; }

new=$(grep -c ' new' seen || true)
later=$(grep -c ' later' seen || true)
grep -a -o 'Fetch offset .* resetting offset' worker.log | head -1 || true
echo "seen of the 15 new records: $new; of the 20 later ones: $later, from $(grep -m1 ' later' seen)"
[ "$new" -eq 0 ] && [ "$later" -lt 20 ] || { echo "changed: Faust no longer drops them"; exit 1; }
