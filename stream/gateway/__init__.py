"""The gateway: what WeChat and the brand's own systems send over HTTP becomes events in Kafka."""
