"""WeChat Pay v3: its notifications, verified and decrypted, as events of ours."""
