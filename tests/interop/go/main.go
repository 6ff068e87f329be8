// SPDX-License-Identifier: Apache-2.0
// The Go SDK; see ../exchange.py for what it is asked to do.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/IBM/sarama"
	"github.com/cloudevents/sdk-go/protocol/kafka_sarama/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
)

type line struct {
	Topic string          `json:"topic"`
	Event json.RawMessage `json:"event"`
}

func main() {
	verb, bootstrap, rest := os.Args[1], os.Args[2], os.Args[3:]
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Producer.Return.Successes = true
	client, err := sarama.NewClient([]string{bootstrap}, config)
	check(err)
	if verb == "publish" {
		publish(client, rest[0])
	} else {
		read(client, rest[0], rest[1])
	}
}

func publish(client sarama.Client, path string) {
	producer, err := sarama.NewSyncProducerFromClient(client)
	check(err)
	file, err := os.Open(path)
	check(err)
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var said line
		check(json.Unmarshal(lines.Bytes(), &said))
		var e event.Event
		check(json.Unmarshal(said.Event, &e))
		var data map[string]any
		check(json.Unmarshal(e.Data(), &data))
		check(e.SetData(event.ApplicationJSON, data)) // an object: written as it is
		send(producer, said.Topic, binding.WithForceBinary, e)
		send(producer, said.Topic, binding.WithForceStructured, e)
		text, err := json.Marshal(data)
		check(err)
		check(e.SetData(event.ApplicationJSON, text)) // bytes: written in Base64
		send(producer, said.Topic, binding.WithForceStructured, e)
	}
	check(lines.Err())
}

func send(producer sarama.SyncProducer, topic string, mode func(context.Context) context.Context, e event.Event) {
	message := sarama.ProducerMessage{Topic: topic}
	ctx := mode(context.Background())
	check(kafka_sarama.WriteProducerMessage(ctx, binding.ToMessage(&e), &message))
	_, _, err := producer.SendMessage(&message)
	check(err)
}

func read(client sarama.Client, topic string, count string) {
	consumer, err := sarama.NewConsumerFromClient(client)
	check(err)
	records, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	check(err)
	left, err := strconv.Atoi(count)
	check(err)
	for ; left > 0; left-- {
		message := kafka_sarama.NewMessageFromConsumerMessage(<-records.Messages())
		e, err := binding.ToEvent(context.Background(), message)
		check(err)
		heard, err := json.Marshal(map[string]any{
			"type": e.Type(), "subject": e.Subject(), "data": len(e.Data()) > 0,
		})
		check(err)
		fmt.Println(string(heard))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
