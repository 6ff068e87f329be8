"""Settings from the environment, and the client options that follow from them."""
