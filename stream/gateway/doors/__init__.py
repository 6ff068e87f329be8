"""The brand's own doors: its till, its servers, its mini-program and its ticket shop."""
