// SPDX-License-Identifier: Apache-2.0
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.core.message.Encoding;
import io.cloudevents.jackson.JsonFormat;
import io.cloudevents.kafka.CloudEventDeserializer;
import io.cloudevents.kafka.CloudEventSerializer;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The Java SDK; see ../exchange.py for what it is asked to do. */
public class Interop {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        if (args[0].equals("publish")) {
            publish(args[1], Path.of(args[2]), Map.of(CloudEventSerializer.ENCODING_CONFIG, Encoding.BINARY));
            publish(args[1], Path.of(args[2]), Map.of(
                CloudEventSerializer.ENCODING_CONFIG, Encoding.STRUCTURED,
                CloudEventSerializer.EVENT_FORMAT_CONFIG, JsonFormat.CONTENT_TYPE));
            publish(args[1], Path.of(args[2]), Map.of(
                CloudEventSerializer.ENCODING_CONFIG, Encoding.STRUCTURED,
                CloudEventSerializer.EVENT_FORMAT_CONFIG, new JsonFormat().withForceJsonDataToBase64()));
        } else {
            read(args[1], args[2], Integer.parseInt(args[3]));
        }
    }

    private static void publish(String bootstrap, Path file, Map<String, Object> how) throws Exception {
        CloudEventSerializer serializer = new CloudEventSerializer();
        serializer.configure(how, false);
        Map<String, Object> options = Map.of("bootstrap.servers", bootstrap);
        try (var producer = new KafkaProducer<>(options, new StringSerializer(), serializer)) {
            for (String line : Files.readAllLines(file)) {
                JsonNode said = JSON.readTree(line);
                producer.send(new ProducerRecord<>(said.get("topic").asText(), event(said.get("event")))).get();
            }
        }
    }

    private static CloudEvent event(JsonNode said) throws Exception {
        return CloudEventBuilder.v1()
            .withId(said.get("id").asText())
            .withSource(URI.create(said.get("source").asText()))
            .withType(said.get("type").asText())
            .withTime(OffsetDateTime.parse(said.get("time").asText()))
            .withData("application/json", JSON.writeValueAsBytes(said.get("data")))
            .build();
    }

    private static void read(String bootstrap, String topic, int count) throws Exception {
        Map<String, Object> options = Map.of("bootstrap.servers", bootstrap);
        try (var consumer = new KafkaConsumer<>(options, new StringDeserializer(), new CloudEventDeserializer())) {
            TopicPartition place = new TopicPartition(topic, 0);
            consumer.assign(List.of(place));
            consumer.seekToBeginning(List.of(place));
            for (int left = count; left > 0; ) {
                for (ConsumerRecord<String, CloudEvent> record : consumer.poll(Duration.ofSeconds(5))) {
                    System.out.println(JSON.writeValueAsString(heard(record)));
                    left--;
                }
            }
        }
    }

    private static Map<String, Object> heard(ConsumerRecord<String, CloudEvent> record) {
        CloudEvent event = record.value();
        if (event == null) { // Kafka gives no deserializer a record without value
            String type = new String(record.headers().lastHeader("ce_type").value());
            return Map.of("type", type, "subject", record.key(), "data", false);
        }
        return Map.of("type", event.getType(), "subject", event.getSubject(), "data", event.getData() != null);
    }
}
