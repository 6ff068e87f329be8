"""The apps file: a brand's apps, merchants, first-party clients and their secrets."""
