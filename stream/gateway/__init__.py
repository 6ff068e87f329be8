"""The gateway: publishes to Kafka what WeChat and the brand's own systems send over HTTP."""
